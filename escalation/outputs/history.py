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
from reviewqueue.facade import facts as review_facts
from reviewqueue.facade.facts import ItemVerdict


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened. `actor` names who did it; empty where the text says it all."""

    at: datetime
    text: str
    actor: str = ""


def build_output_history(output: Output, *, content: bool = False) -> list[HistoryEntry]:
    """The whole story, oldest first. Answers that are more than labels are told only with `content`."""
    lines = [
        *_receipt_entries(output),
        *_routing_entries(output),
        *_review_entries(output, content),
        *_decision_entries(output, content),
        *_event_entries(output),
    ]
    return sorted(lines, key=lambda line: line.at)


def describe_actor(actor: str) -> str:
    """An event's actor as people read it: a name, a key, or the part of the system."""
    kind, _colon, name = actor.partition(":")
    if kind == "user":
        return name
    if kind == "key":
        return _("key %(number)s") % {"number": name}
    return _("the system")


def describe_answer(value: Any, *, content: bool) -> str:
    """An answer in a sentence: labels as they are, anything deeper only with `content`."""
    if isinstance(value, str):
        return f"“{value}”"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(f"“{part}”" for part in value) or _("none of the labels")
    return str(value) if content else _("an answer of several parts")


def describe_route(route: Route, *, confidence: float | None, policy: int | None) -> str:
    """What was decided about an output and why."""
    if route.kind == Route.Kind.AUTO and route.audit:
        head = _("Handled automatically, and %(reason)s") % {"reason": reasons.describe_reason(route.reason)}
    elif route.kind == Route.Kind.AUTO:
        head = _("Handled automatically: %(reason)s") % {"reason": reasons.describe_reason(route.reason)}
    else:
        head = _("Sent to a person: %(reason)s") % {"reason": reasons.describe_reason(route.reason)}
    facts = []
    if confidence is not None:
        facts.append(_("%(sure)s sure") % {"sure": _format_percent(confidence)})
    if route.threshold is not None:
        facts.append(_("enough is %(enough)s") % {"enough": _format_percent(route.threshold)})
    if policy is not None:
        facts.append(_("policy version %(number)s") % {"number": policy})
    return f"{head} ({'; '.join(facts)})." if facts else f"{head}."


def _receipt_entries(output: Output) -> Iterator[HistoryEntry]:
    model = f"{output.model} {output.model_version}".strip()
    yield HistoryEntry(output.received_at, _("Received from %(model)s.") % {"model": model})


def _routing_entries(output: Output) -> Iterator[HistoryEntry]:
    route = Route.objects.filter(output=output).first()
    if route is not None:
        number = Policy.objects.filter(pk=route.policy_id or 0).values_list("number", flat=True).first()
        yield HistoryEntry(route.routed_at, describe_route(route, confidence=output.confidence, policy=number))


def _review_entries(output: Output, content: bool) -> Iterator[HistoryEntry]:
    for judgement in review_facts.verdicts_of(output.pk):
        yield HistoryEntry(judgement.at, _describe_verdict(judgement, content), judgement.person)
        if judgement.undone_at is not None:
            yield HistoryEntry(judgement.undone_at, _("Took that back."), judgement.person)
    for passed in review_facts.passes_of(output.pk):
        yield HistoryEntry(passed.at, _describe_pass(passed.reason), passed.person)


def _describe_pass(reason: str) -> str:
    return (
        _("Passed it to someone else: %(reason)s.") % {"reason": reason} if reason else _("Passed it to someone else.")
    )


def _describe_verdict(judgement: ItemVerdict, content: bool) -> str:
    said = {
        "agree": _("Agreed with the AI"),
        "correct": _("Gave another answer: %(answer)s"),
        "none": _("Said that none of the answers is right"),
        "unjudgeable": _("Said that it can’t be judged"),  # noqa: RUF001 - an apostrophe
        "escalate": _("Asked the lead"),
    }[judgement.kind]
    text = (
        said % {"answer": describe_answer(judgement.answer, content=content)} if judgement.kind == "correct" else said
    )
    if judgement.error_type:
        text = _("%(text)s; kind of mistake: %(kind)s") % {"text": text, "kind": judgement.error_type}
    if judgement.reason:
        text = _("%(text)s; reason: %(reason)s") % {"text": text, "reason": judgement.reason}
    if judgement.final_say:
        text = _("Final say. %(text)s") % {"text": text}
    if judgement.blind:
        text = _("%(text)s; had answered before seeing the AI’s answer") % {"text": text}  # noqa: RUF001
    return f"{text}."


def _decision_entries(output: Output, content: bool) -> Iterator[HistoryEntry]:
    for decision in Decision.objects.filter(output=output).order_by("revision"):
        text = _describe_decision(decision, content)
        if decision.revision > 1:
            text = _("%(text)s (change %(number)s of the decision)") % {
                "text": text,
                "number": decision.revision - 1,
            }
        yield HistoryEntry(decision.decided_at, f"{text}.")


def _describe_decision(decision: Decision, content: bool) -> str:
    by = {
        Decision.By.MODEL: _("the AI"),
        Decision.By.PEOPLE: _("people"),
        Decision.By.SYSTEM: _("the system"),
    }[Decision.By(decision.by)]
    match decision.outcome:
        case "answered":
            said = _("Decided by %(by)s: %(answer)s") % {
                "by": by,
                "answer": describe_answer(decision.answer, content=content),
            }
        case "rejected":
            said = _("Rejected by %(by)s: none of the answers") % {"by": by}
        case "unjudgeable":
            said = _("Closed by %(by)s: it can’t be judged") % {"by": by}  # noqa: RUF001 - an apostrophe
        case _:
            said = _("Withdrawn")
    return said


# Events that no row above tells already. The others say the same as a row does.
_EVENT_TEXTS = {
    "reopened": gettext_noop("Opened again."),
    "output.erased": gettext_noop("Its content was erased."),
    "output.withdrawn": gettext_noop("Taken back by its producer."),
}


def _event_entries(output: Output) -> Iterator[HistoryEntry]:
    for event in [
        *review_facts.list_events_about("output", output.pk),
        *review_facts.list_events_about("item", output.pk),
    ]:
        if event.verb in _EVENT_TEXTS:
            reason = (event.after or {}).get("reason")
            text = _(_EVENT_TEXTS[event.verb]) + (f" {reason}" if reason else "")
            yield HistoryEntry(event.at, text, describe_actor(event.actor))


def _format_percent(share: float) -> str:
    """As many digits as keep a value apart from the one that it is compared with."""
    return f"{round(share * 100, 1):g} %"
