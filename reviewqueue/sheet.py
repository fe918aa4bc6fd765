"""What stands on the desk for one claim: the content in blocks, the answers with their keys. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from . import answers, content, wording
from .claimed import Claim, OtherVerdict

MANY = 12  # from here on, a list of answers is easier to search than to read
DOUBTFUL = 0.8  # a field that the AI was less sure of than this is pointed out

# open: answer with the proposal in sight. first: answer without. keep: the proposal is shown, keep or change.
Stage = Literal["open", "first", "keep"]


@dataclass(frozen=True)
class Choice:
    """One thing to press or tick; `name` and `value` are what the form then sends."""

    name: str
    value: str
    label: str
    key: str = ""
    share: float | None = None
    ticked: bool = False


@dataclass(frozen=True)
class Field:
    """One part of a structured answer."""

    name: str
    label: str
    kind: Literal["line", "long", "number", "choice"]
    value: str
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""
    doubt: float | None = None
    code: bool = False

    @property
    def id(self) -> str:
        return "field-" + "-".join(self.name.split())


@dataclass(frozen=True)
class Other:
    """What somebody else said, for whoever has the final say."""

    person: str
    said: str
    at: datetime
    reason: str | Promise
    note: str


@dataclass(frozen=True)
class Sheet:
    stage: Stage
    kind: str
    question: str
    blocks: Sequence[content.Block]
    context: Sequence[tuple[str, str]]
    why: str
    share: float | None
    first_label: str
    same: bool
    decisive: Sequence[Choice]
    choices: Sequence[Choice]
    fields: Sequence[Field]
    send: str
    others: Sequence[Other]
    reasons: Sequence[tuple[str, str | Promise]]
    may_ask: bool

    @property
    def answers_template(self) -> str:
        return f"reviewqueue/desk/answers_{self.kind}.html"

    @property
    def many(self) -> bool:
        return len(self.choices) >= MANY and not self.short

    @property
    def short(self) -> bool:
        """Digits, letters, grades: several fit on a line."""
        return bool(self.choices) and all(len(choice.value) <= 2 for choice in self.choices if choice.name == "answer")


def lay_out(claim: Claim) -> Sheet:
    """Everything that the desk shows of a claim, in the order and the words in which it shows it."""
    item, stage = claim.item, stage_of(claim)
    same = stage == "keep" and claim.first_kind == "answer" and answers.same(claim.first_answer, item.proposal)
    return Sheet(
        stage=stage,
        kind=item.kind,
        question=item.question or _("What is the right answer?"),
        blocks=content.blocks(item.input, item.display),
        context=content.facts(item.context),
        why=wording.why(item.why),
        share=_share(item.alternatives, item.proposal) if claim.revealed else None,
        first_label=wording.said(claim.first_kind or "", claim.first_answer) if claim.first_kind else "",
        same=same,
        decisive=_decisive(claim, same=same),
        choices=[] if item.kind == answers.STRUCTURED else _choices(claim),
        fields=_fields(claim) if item.kind == answers.STRUCTURED else [],
        send=_("Send these answers") if item.kind == answers.LABELS else _("Send this answer"),
        others=[_other(verdict) for verdict in claim.others],
        reasons=_reasons(final_say=claim.final_say),
        may_ask=stage != "first" and not claim.final_say,
    )


def stage_of(claim: Claim) -> Stage:
    if not claim.answer_first:
        return "open"
    return "keep" if claim.revealed else "first"


def keys(labels: Sequence[str]) -> list[str]:
    """A key for each answer: its own digit when all are digits, else 1 to 9 in order, and none after that."""
    if all(len(label) == 1 and label.isascii() and label.isdigit() for label in labels):
        return list(labels)
    return [str(number) if number <= 9 else "" for number in range(1, len(labels) + 1)]


def _decisive(claim: Claim, *, same: bool) -> list[Choice]:
    """Agreeing, and keeping what one said first; nothing before the proposal is in sight."""
    if not claim.revealed:
        return []
    keep = _keep(claim, same=same)
    agree = Choice("verdict", "agree", _("Agree with the AI"), "a")
    if same:
        return [Choice("verdict", "agree", _("Keep it: you and the AI agree"), "k a")]
    return [keep, agree] if keep else [agree]


def _keep(claim: Claim, *, same: bool) -> Choice | None:
    if claim.first_kind is None:
        return None
    if claim.first_kind != "answer":
        return Choice("verdict", claim.first_kind, _("Keep my answer"), "k")
    if claim.item.kind == answers.LABEL:
        return Choice("answer", claim.first_answer, _("Keep my answer"), "k")
    return None  # ticks and fields hold the first answer already: sending them keeps it


def _choices(claim: Claim) -> list[Choice]:
    """The listed answers in the schema's order. Choosing what the AI proposed is agreeing with it."""
    item, ticked = claim.item, _starting_point(claim) or []
    shares = {answers.key(entry.get("answer")): entry.get("confidence") for entry in item.alternatives}
    return [
        Choice(
            *_sends(claim, label),
            label=wording.answer(label),
            key=key,
            share=shares.get(answers.key(label)),
            ticked=item.kind == answers.LABELS and label in ticked,
        )
        for label, key in zip(item.answers, keys(item.answers), strict=True)
    ]


def _sends(claim: Claim, label: str) -> tuple[str, str]:
    proposed = claim.revealed and claim.item.kind == answers.LABEL and label == claim.item.proposal
    return ("verdict", "agree") if proposed else ("answer", label)


def _starting_point(claim: Claim) -> Any:
    """What ticks and fields hold at first: one's own first answer, else the AI's, else nothing."""
    if claim.first_kind == "answer":
        return claim.first_answer
    return claim.item.proposal if claim.revealed else None


def _share(alternatives: Iterable[Mapping[str, Any]], proposal: Any) -> float | None:
    found = (entry.get("confidence") for entry in alternatives if answers.same(entry.get("answer"), proposal))
    return next((share for share in found if isinstance(share, int | float)), None)


def _reasons(*, final_say: bool) -> list[tuple[str, str | Promise]]:
    return [(name, text) for name, text in wording.REASONS.items() if final_say or name in wording.OWN_REASONS]


def _other(verdict: OtherVerdict) -> Other:
    return Other(
        person=verdict.person,
        said=wording.said(verdict.kind, verdict.answer),
        at=verdict.submitted_at,
        reason=wording.REASONS.get(verdict.reason, verdict.reason),
        note=verdict.note,
    )


def _fields(claim: Claim) -> list[Field]:
    """A field for each property of the schema, and for each part of an answer that the schema leaves open."""
    start = _starting_point(claim)
    values: Mapping[str, Any] = start if isinstance(start, Mapping) else {}
    schema = claim.item.schema or {}
    properties: Mapping[str, Any] = schema.get("properties") or {}
    if not properties and not values:
        return [Field("whole", _("Answer"), "long", "", hint=_("A JSON object"), code=True)]
    hints = claim.item.field_hints or {}
    # The database keeps no order of keys; what is required keeps its own, and comes first.
    names = list(dict.fromkeys([*schema.get("required", []), *properties, *values]))
    return [_field(name, properties.get(name), values.get(name), _doubt(hints, name)) for name in names]


def _doubt(hints: Mapping[str, float], name: str) -> float | None:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    share = hints.get(pointer)
    return share if share is not None and share < DOUBTFUL else None


def _field(name: str, schema: Any, value: Any, doubt: float | None) -> Field:
    rules: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
    label, hint = str(rules.get("title") or wording.answer(name)), str(rules.get("description") or "")
    options = rules.get("enum")
    match rules.get("type"), value:
        case "string", str() | None if isinstance(options, list) and all(isinstance(o, str) for o in options):
            pairs = [(option, wording.answer(option)) for option in options]
            return Field(f"text.{name}", label, "choice", value or "", pairs, hint, doubt)
        case "boolean", bool() | None:
            pairs = [("true", _("yes")), ("false", _("no"))]
            return Field(f"flag.{name}", label, "choice", _json(value), pairs, hint, doubt)
        case "number" | "integer", int() | float() | None:
            return Field(f"number.{name}", label, "number", _json(value), (), hint, doubt)
        case ("string", str() | None) | (None, str()):
            text = value or ""
            return Field(
                f"text.{name}",
                label,
                "long" if len(text) > 60 or "\n" in text else "line",
                text,
                (),
                hint,
                doubt,
            )
        case _:
            return Field(f"json.{name}", label, "long", _json(value), (), hint, doubt, code=True)


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, indent=2)
