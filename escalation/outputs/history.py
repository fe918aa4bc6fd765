"""The history of one output: what happened to it, in order, as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from escalation.models import Decision, Outcome, Output, Policy, Route, Stream
from escalation.policies import describe
from escalation.routing import reasons
from reviewqueue.facade import facts as review_facts
from reviewqueue.facade import queue
from reviewqueue.facade.facts import ItemVerdict
from reviewqueue.kernel import locale_format


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event. `actor` names who did it; empty where the text already does."""

    at: datetime
    text: str
    actor: str = ""


def build_output_history(output: Output, *, content: bool = False, for_producer: bool = False) -> list[HistoryEntry]:
    """The full history, oldest first. Structured answers are shown only with `content`.

    for_producer: nothing in it says that the output is an audit. What reviewers did follows once they have settled it.
    """
    settled = not for_producer or Outcome.objects.filter(output=output).exists()
    lines = [
        *_receipt_entries(output),
        *_routing_entries(output, for_producer),
        *(_review_entries(output, content) if settled else ()),
        *_decision_entries(output, content),
        *_event_entries(output),
    ]
    return sorted(lines, key=lambda line: line.at)


def describe_actor(actor: str) -> str:
    """The actor of an event for display: a username, an API key, or the system."""
    kind, _colon, name = actor.partition(":")
    if kind == "user":
        return name
    if kind == "key":
        return _("API key %(number)s") % {"number": name}
    return _("the system")


def describe_answer(value: Any, *, content: bool) -> str:
    """An answer within a sentence: labels as they are, structured answers only with `content`."""
    if isinstance(value, str):
        return f"“{value}”"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(f"“{part}”" for part in value) or _("nothing applies")
    return str(value) if content else _("a structured answer")


def describe_route(route: Route, *, confidence: float | None, policy: int | None) -> str:
    """Where an output was routed, and why."""
    if route.kind == Route.Kind.AUTO and route.audit:
        head = _("Automated and %(reason)s") % {"reason": reasons.describe_reason(route.reason)}
    elif route.kind == Route.Kind.AUTO:
        head = _("Automated: %(reason)s") % {"reason": reasons.describe_reason(route.reason)}
    else:
        head = _("Sent to review: %(reason)s") % {"reason": reasons.describe_reason(route.reason)}
    facts = []
    if confidence is not None:
        facts.append(_("confidence %(confidence)s") % {"confidence": _format_percent(confidence)})
    if route.threshold is not None:
        facts.append(_("threshold %(threshold)s") % {"threshold": describe.format_percent(route.threshold)})
    if policy is not None:
        facts.append(_("policy version %(number)s") % {"number": policy})
    return f"{head} ({'; '.join(facts)})." if facts else f"{head}."


def _receipt_entries(output: Output) -> Iterator[HistoryEntry]:
    model = f"{output.model} {output.model_version}".strip()
    yield HistoryEntry(output.received_at, _("Received from %(model)s.") % {"model": model})


def _routing_entries(output: Output, for_producer: bool) -> Iterator[HistoryEntry]:
    route = Route.objects.filter(output=output).first()
    if route is not None and for_producer and route.audit:
        # As it would read without the audit; of a held one, the threshold would say that it reached it.
        route.reason = reasons.reason_for_producers(route.reason, released=route.released)
        route.audit, route.threshold = "", route.threshold if route.released else None
    if route is not None:
        number = Policy.objects.filter(pk=route.policy_id or 0).values_list("number", flat=True).first()
        confidence = _decisive_confidence(output, route)
        yield HistoryEntry(route.routed_at, describe_route(route, confidence=confidence, policy=number))


def _decisive_confidence(output: Output, route: Route) -> float | None:
    """The confidence that the route's threshold was compared with: of the output, or of the field that was held."""
    field = reasons.find_held_label(route.reason)
    if route.parts is None or not field:
        return output.confidence
    found: float | None = (output.field_confidences or {}).get(field)
    return found


def _review_entries(output: Output, content: bool) -> Iterator[HistoryEntry]:
    none = _describe_none(output)
    for judgement in review_facts.verdicts_of(output.pk):
        yield HistoryEntry(judgement.at, _describe_verdict(judgement, content, none), judgement.person)
        if judgement.undone_at is not None:
            yield HistoryEntry(judgement.undone_at, _("Undid the verdict."), judgement.person)
    for passed in review_facts.passes_of(output.pk):
        yield HistoryEntry(passed.at, _describe_pass(passed.reason), passed.person)


def _describe_pass(reason: str) -> str:
    return (
        _("Passed it to someone else: %(reason)s.") % {"reason": reason} if reason else _("Passed it to someone else.")
    )


def _describe_none(output: Output) -> str:
    """The verdict that no listed answer is right, as its button on the desk says it."""
    slug = Stream.objects.values_list("slug", flat=True).get(pk=output.stream_id)
    kind = queue.get_answer_spec(slug=slug, number=output.schema_number).kind
    return _("Chose “Something not listed”") if kind == "labels" else _("Chose “None of these”")


def _describe_verdict(judgement: ItemVerdict, content: bool, none: str) -> str:
    action = {
        "agree": _("Agreed with the model"),
        "correct": _("Gave another answer: %(answer)s"),
        "none": none,
        "unjudgeable": _("Chose “Can’t be judged”"),  # noqa: RUF001 - an apostrophe
        "escalate": _("Asked the lead"),
    }[judgement.kind]
    text = (
        action % {"answer": describe_answer(judgement.answer, content=content)}
        if judgement.kind == "correct"
        else action
    )
    if judgement.error_type:
        text = _("%(text)s; error type: %(kind)s") % {"text": text, "kind": judgement.error_type}
    if judgement.reason:
        text = _("%(text)s; reason: %(reason)s") % {"text": text, "reason": judgement.reason}
    if judgement.final_say:
        text = _("Final say: %(text)s") % {"text": text}
    if judgement.blind:
        text = _("%(text)s; answered before seeing the model’s answer") % {"text": text}  # noqa: RUF001
    if judgement.key:
        text = _("%(text)s; reported by the API key “%(key)s”") % {"text": text, "key": judgement.key}
    return f"{text}."


def _decision_entries(output: Output, content: bool) -> Iterator[HistoryEntry]:
    for decision in Decision.objects.filter(output=output).order_by("revision"):
        text = _describe_decision(decision, content)
        if decision.revision > 1:
            text = _("%(text)s (revision %(number)s)") % {
                "text": text,
                "number": decision.revision,
            }
        yield HistoryEntry(decision.decided_at, f"{text}.")


def _describe_decision(decision: Decision, content: bool) -> str:
    by = {
        Decision.By.MODEL: _("the model"),
        Decision.By.PEOPLE: _("reviewers"),
        Decision.By.SYSTEM: _("the system"),
    }[Decision.By(decision.by)]
    match decision.outcome:
        case "answered":
            text = _("Decided by %(by)s: %(answer)s") % {
                "by": by,
                "answer": describe_answer(decision.answer, content=content),
            }
        case "rejected":
            text = _("Rejected by %(by)s: no listed answer is right") % {"by": by}
        case "unjudgeable":
            text = _("Closed by %(by)s: it can’t be judged") % {"by": by}  # noqa: RUF001 - an apostrophe
        case _:
            text = _("Withdrawn")
    return text


# Events that no row above covers.
_EVENT_TEXTS = {
    "reopened": gettext_noop("Reopened."),
    "output.erased": gettext_noop("Content erased."),
    "output.withdrawn": gettext_noop("Withdrawn by the producer."),
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
    """A share in percent, with one decimal or as many as tell it from 0 and 1."""
    digits = f"{share * 100:.{locale_format.count_percent_places(share, 1)}f}"
    return f"{digits.rstrip('0').rstrip('.')} %"
