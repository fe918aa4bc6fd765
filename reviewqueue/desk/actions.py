"""The acts that decide nothing: can't be judged, ask the lead, pass on. Each asks for one key of reason. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import wording


@dataclass(frozen=True)
class ActionReason:
    """One reason to choose from: what is stored, how it reads, and its key in the list."""

    code: str
    text: str | Promise
    key: str


@dataclass(frozen=True)
class DeskAction:
    """A button that opens the list of its reasons; without any it is sent as it is.

    `name`: `unjudgeable`, `escalate` or `pass`. `key`: what presses it; `title`: what the list is headed with.
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
    """What can be done with a claim instead of answering.

    Why something can't be judged is asked once: with the verdict, so not before the proposal is shown, and not of
    whoever has the final say and gives another reason anyway. Nobody asks the lead before answering first: it is
    the hard items whose blind answer would be missing.
    """
    acts = [_build_unjudgeable_action(claim)]
    if claim.revealed and not claim.final_say:
        acts.append(_build_reasoned_action("escalate", _("Ask the lead"), "e", _("Why ask the lead?")))
    return [*acts, _build_reasoned_action("pass", _("Pass"), "s", _("Why pass it on?"))]


def _build_unjudgeable_action(claim: Claim) -> DeskAction:
    if not claim.revealed or claim.final_say:
        return DeskAction("unjudgeable", _("Can’t be judged"), "t")  # noqa: RUF001 - an apostrophe
    title = _("Why can’t it be judged?")  # noqa: RUF001 - an apostrophe
    if claim.first_kind == "unjudgeable":
        return _build_reasoned_action("unjudgeable", _("Keep: can’t be judged"), "k t", title)  # noqa: RUF001 - an apostrophe
    return _build_reasoned_action("unjudgeable", _("Can’t be judged"), "t", title)  # noqa: RUF001 - an apostrophe


def _build_reasoned_action(name: str, label: str, key: str, title: str) -> DeskAction:
    listed = wording.REASONS_BY_ACTION[name].items()
    reasons = [ActionReason(code, text, str(number)) for number, (code, text) in enumerate(listed, start=1)]
    return DeskAction(name, label, key, title, reasons)
