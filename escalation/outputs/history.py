"""One output's story: what happened to it, in the order in which it happened, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from escalation.models import Decision, Output, Policy, Route
from escalation.routing import reasons
from reviewqueue.activity import log
from reviewqueue.reports import reviews
from reviewqueue.reports.reviews import Judgement


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. `actor` names who did it; empty where the text says it all."""

    at: datetime
    text: str
    actor: str = ""


def of(output: Output, *, content: bool = False) -> list[Line]:
    """The whole story, oldest first. Answers that are more than labels are told only with `content`."""
    lines = [
        *_received(output),
        *_routed(output),
        *_judged(output, content),
        *_decided(output, content),
        *_told(output),
    ]
    return sorted(lines, key=lambda line: line.at)


def who(actor: str) -> str:
    """An event's actor as people read it: a name, a key, or the part of the system."""
    kind, _colon, name = actor.partition(":")
    if kind == "user":
        return name
    if kind == "key":
        return _("key %(number)s") % {"number": name}
    return _("the system")


def answer(value: Any, *, content: bool) -> str:
    """An answer in a sentence: labels as they are, anything deeper only with `content`."""
    if isinstance(value, str):
        return f"“{value}”"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(f"“{part}”" for part in value) or _("none of the labels")
    return str(value) if content else _("an answer of several parts")


def route_sentence(route: Route, *, confidence: float | None, policy: int | None) -> str:
    """What was decided about an output and why."""
    if route.kind == Route.Kind.AUTO and route.audit:
        head = _("Handled automatically, and %(reason)s") % {"reason": reasons.told(route.reason)}
    elif route.kind == Route.Kind.AUTO:
        head = _("Handled automatically: %(reason)s") % {"reason": reasons.told(route.reason)}
    else:
        head = _("Sent to a person: %(reason)s") % {"reason": reasons.told(route.reason)}
    facts = []
    if confidence is not None:
        facts.append(_("%(sure)s sure") % {"sure": _percent(confidence)})
    if route.threshold is not None:
        facts.append(_("enough is %(enough)s") % {"enough": _percent(route.threshold)})
    if policy is not None:
        facts.append(_("policy version %(number)s") % {"number": policy})
    return f"{head} ({'; '.join(facts)})." if facts else f"{head}."


def _received(output: Output) -> Iterator[Line]:
    model = f"{output.model} {output.model_version}".strip()
    yield Line(output.received_at, _("Received from %(model)s.") % {"model": model})


def _routed(output: Output) -> Iterator[Line]:
    route = Route.objects.filter(output=output).first()
    if route is not None:
        number = Policy.objects.filter(pk=route.policy_id or 0).values_list("number", flat=True).first()
        yield Line(route.routed_at, route_sentence(route, confidence=output.confidence, policy=number))


def _judged(output: Output, content: bool) -> Iterator[Line]:
    for judgement in reviews.judgements_of(output.pk):
        yield Line(judgement.at, _verdict(judgement, content), judgement.person)
        if judgement.undone_at is not None:
            yield Line(judgement.undone_at, _("Took that back."), judgement.person)
    for passed in reviews.passes_of(output.pk):
        yield Line(passed.at, _passed(passed.reason), passed.person)


def _passed(reason: str) -> str:
    return (
        _("Passed it to someone else: %(reason)s.") % {"reason": reason} if reason else _("Passed it to someone else.")
    )


def _verdict(judgement: Judgement, content: bool) -> str:
    said = {
        "agree": _("Agreed with the AI"),
        "correct": _("Gave another answer: %(answer)s"),
        "none": _("Said that none of the answers is right"),
        "unjudgeable": _("Said that it can’t be judged"),  # noqa: RUF001 - an apostrophe
        "escalate": _("Asked the lead"),
    }[judgement.kind]
    text = said % {"answer": answer(judgement.answer, content=content)} if judgement.kind == "correct" else said
    if judgement.error_type:
        text = _("%(text)s; kind of mistake: %(kind)s") % {"text": text, "kind": judgement.error_type}
    if judgement.reason:
        text = _("%(text)s; reason: %(reason)s") % {"text": text, "reason": judgement.reason}
    if judgement.final_say:
        text = _("Final say. %(text)s") % {"text": text}
    if judgement.blind:
        text = _("%(text)s; had answered before seeing the AI’s answer") % {"text": text}  # noqa: RUF001
    return f"{text}."


def _decided(output: Output, content: bool) -> Iterator[Line]:
    for decision in Decision.objects.filter(output=output).order_by("revision"):
        text = _decision(decision, content)
        if decision.revision > 1:
            text = _("%(text)s (change %(number)s of the decision)") % {
                "text": text,
                "number": decision.revision - 1,
            }
        yield Line(decision.decided_at, f"{text}.")


def _decision(decision: Decision, content: bool) -> str:
    by = {
        Decision.By.MODEL: _("the AI"),
        Decision.By.PEOPLE: _("people"),
        Decision.By.SYSTEM: _("the system"),
    }[Decision.By(decision.by)]
    match decision.outcome:
        case "answered":
            said = _("Decided by %(by)s: %(answer)s") % {
                "by": by,
                "answer": answer(decision.answer, content=content),
            }
        case "rejected":
            said = _("Rejected by %(by)s: none of the answers") % {"by": by}
        case "unjudgeable":
            said = _("Closed by %(by)s: it can’t be judged") % {"by": by}  # noqa: RUF001 - an apostrophe
        case _:
            said = _("Withdrawn")
    return said


# Events that no row above tells already. The others say the same as a row does.
_EVENTS = {
    "reopened": gettext_noop("Opened again."),
    "output.erased": gettext_noop("Its content was erased."),
    "output.withdrawn": gettext_noop("Taken back by its producer."),
}


def _told(output: Output) -> Iterator[Line]:
    for event in [*log.about("output", output.pk), *log.about("item", output.pk)]:
        if event.verb in _EVENTS:
            reason = (event.after or {}).get("reason")
            text = _(_EVENTS[event.verb]) + (f" {reason}" if reason else "")
            yield Line(event.at, text, who(event.actor))


def _percent(share: float) -> str:
    """As many digits as keep a value apart from the one that it is compared with."""
    return f"{round(share * 100, 1):g} %"
