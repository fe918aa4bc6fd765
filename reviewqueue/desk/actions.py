"""Actions that give no answer: can't be judged, ask the lead, pass. Each asks for a reason with one key. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from reviewqueue.desk import opinions
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import wording


@dataclass(frozen=True)
class ActionReason:
    """One reason to choose: its stored code, its text, and its key in the list."""

    code: str
    text: str | Promise
    key: str


@dataclass(frozen=True)
class DeskAction:
    """A button that opens the list of its reasons; without reasons it is sent directly.

    `name` is `unjudgeable`, `escalate` or `pass`; `key` its shortcut; `title` the heading of the list.
    """

    name: str
    label: str
    key: str
    title: str = ""
    reasons: Sequence[ActionReason] = ()

    @property
    def id(self) -> str:
        return f"reasons-{self.name}"


def list_actions(claim: Claim) -> list[DeskAction]:
    """The actions that a claim allows instead of an answer.

    The reason for "can't be judged" is asked once, with the verdict: not with a first answer, and not for a final say
    that gives another reason anyway. Asking the lead is not offered before the first answer, because then the
    blind answers to the hard items would be missing.
    """
    actions = [_build_unjudgeable_action(claim)]
    if claim.revealed and not claim.final_say:
        actions.append(_build_reasoned_action("escalate", _("Ask the lead"), "e", _("Why ask the lead?")))
    return [*actions, _build_reasoned_action("pass", _("Pass to someone else"), "s", _("Why pass it to someone else?"))]


def _build_unjudgeable_action(claim: Claim) -> DeskAction:
    if not claim.revealed or opinions.differ(claim):
        return DeskAction("unjudgeable", _("Can’t be judged"), "t")  # noqa: RUF001 - an apostrophe
    title = _("Why can’t it be judged?")  # noqa: RUF001 - an apostrophe
    if claim.first_kind == "unjudgeable":
        return _build_reasoned_action("unjudgeable", _("Keep: can’t be judged"), "k t", title)  # noqa: RUF001 - an apostrophe
    return _build_reasoned_action("unjudgeable", _("Can’t be judged"), "t", title)  # noqa: RUF001 - an apostrophe


def _build_reasoned_action(name: str, label: str, key: str, title: str) -> DeskAction:
    listed = wording.REASONS_BY_ACTION[name].items()
    reasons = [ActionReason(code, text, str(number)) for number, (code, text) in enumerate(listed, start=1)]
    return DeskAction(name, label, key, title, reasons)
