"""Events as sentences: what somebody did, for a list of activity."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext_lazy

from reviewqueue.facade.facts import ActivityEvent

# (object type, verb) -> sentence; %(number)s is how many, %(id)s which one, anything else comes out of `after`.
_SENTENCES: dict[tuple[str, str], Any] = {
    ("output", "outputs.received"): ngettext_lazy("posted an output", "posted %(number)s outputs", "number"),
    ("output", "outputs.routed"): ngettext_lazy(
        "routed an output: %(auto)s out, %(review)s to people",
        "routed %(number)s outputs: %(auto)s out, %(review)s to people",
        "number",
    ),
    ("output", "outputs.decided"): ngettext_lazy(
        "passed on what people decided about an output",
        "passed on what people decided about %(number)s outputs",
        "number",
    ),
    ("output", "outputs.timed_out"): ngettext_lazy(
        "answered an output past its deadline", "answered %(number)s outputs past their deadline", "number"
    ),
    ("output", "output.withdrawn"): gettext_noop("withdrew output %(id)s"),
    ("output", "output.erased"): gettext_noop("erased output %(id)s"),
    ("policy", "policy.created"): gettext_noop("made policy version %(version)s"),
    ("policy", "policy.proposed"): gettext_noop("asked for policy version %(version)s"),
    ("policy", "policy.activated"): gettext_noop("put policy version %(version)s into effect"),
    ("stream", "stream.created"): gettext_noop("made the stream"),
    ("stream", "stream.changed"): gettext_noop("changed the stream’s settings"),  # noqa: RUF001
    ("stream", "target.set"): gettext_noop("said what may go wrong"),
    ("attempt", "target.attempted"): gettext_noop("looked at the labels for a threshold, look number %(version)s"),
    ("attempt", "statement.alarmed"): gettext_noop("noticed that more goes wrong than look number %(version)s stated"),
    ("attempt", "statement.ended"): gettext_noop("noted that the statement of look number %(version)s has ended"),
    ("stream", "test_items.mixed_in"): gettext_noop("mixed in test items"),
    ("stop", "stream.stopped"): gettext_noop("stopped it"),
    ("stop", "stream.resume_asked"): gettext_noop("asked to resume"),
    ("stop", "stream.resumed"): gettext_noop("resumed it"),
    ("queue", "configured"): gettext_noop("set up the queue"),
    ("item", "enqueued"): ngettext_lazy("put an item into the queue", "put %(number)s items into the queue", "number"),
    ("item", "settled"): ngettext_lazy("settled an item", "settled %(number)s items", "number"),
    ("item", "asked_lead"): ngettext_lazy(
        "asked the lead about an item", "asked the lead about %(number)s items", "number"
    ),
    ("item", "reopened"): gettext_noop("opened item %(id)s again"),
    ("item", "withdrawn"): ngettext_lazy("took an item off the queue", "took %(number)s items off the queue", "number"),
    ("item", "expired"): ngettext_lazy(
        "closed an item past its deadline", "closed %(number)s items past their deadline", "number"
    ),
    ("item", "passed"): gettext_noop("passed item %(id)s to someone else"),
    ("item", "answered_first"): gettext_noop("answered item %(id)s before seeing the AI’s answer"),  # noqa: RUF001
    ("verdict", "submitted"): gettext_noop("decided an item"),
    ("verdict", "undone"): gettext_noop("took a decision back"),
    ("user", "created"): gettext_noop("made the account %(id)s"),
    ("user", "changed"): gettext_noop("changed the rights of %(id)s"),
    ("user", "joined"): gettext_noop("joined the stream"),
    ("user", "deactivated"): gettext_noop("closed the account %(id)s"),
    ("user", "reactivated"): gettext_noop("opened the account %(id)s again"),
    ("user", "password_reset"): gettext_noop("gave %(id)s a new password"),
    ("user", "password_changed"): gettext_noop("changed their password"),
}


def describe_event(event: ActivityEvent) -> str:
    """The event as a sentence; one without its own is told by its verb."""
    sentence = _SENTENCES.get((event.object_type, event.verb))
    if sentence is None:
        return f"{event.verb.replace('_', ' ').replace('.', ' ')} {event.object_type} {event.object_id}".strip()
    return (_(sentence) if isinstance(sentence, str) else sentence) % _placeholders(event)


def _placeholders(event: ActivityEvent) -> dict[str, Any]:
    after = event.after or {}
    return {
        "number": 1 if event.object_ids is None else len(event.object_ids),
        "id": event.object_id,
        "version": after.get("number", "?"),
        "auto": after.get("auto", "?"),
        "review": after.get("review", "?"),
    }
