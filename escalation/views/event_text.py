"""Events as sentences for the activity list."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext_lazy

from reviewqueue.facade.facts import ActivityEvent

# (object type, verb) -> sentence. %(number)s is a count, %(id)s the object; the rest comes from `after`.
_SENTENCES: dict[tuple[str, str], Any] = {
    ("output", "outputs.received"): ngettext_lazy("posted an output", "posted %(number)s outputs", "number"),
    ("output", "outputs.routed"): ngettext_lazy(
        "routed an output: %(auto)s automated, %(review)s to review",
        "routed %(number)s outputs: %(auto)s automated, %(review)s to review",
        "number",
    ),
    ("output", "outputs.decided"): ngettext_lazy(
        "recorded the decision on an output",
        "recorded the decisions on %(number)s outputs",
        "number",
    ),
    ("output", "outputs.timed_out"): ngettext_lazy(
        "closed an output past its deadline", "closed %(number)s outputs past their deadline", "number"
    ),
    ("output", "output.withdrawn"): gettext_noop("withdrew output %(id)s"),
    ("output", "output.erased"): gettext_noop("erased output %(id)s"),
    ("policy", "policy.created"): gettext_noop("created policy version %(version)s"),
    ("policy", "policy.proposed"): gettext_noop("requested approval of policy version %(version)s"),
    ("policy", "policy.declined"): gettext_noop("declined policy version %(version)s"),
    ("policy", "policy.withdrawn"): gettext_noop("withdrew the approval request for policy version %(version)s"),
    ("policy", "policy.activated"): gettext_noop("activated policy version %(version)s"),
    ("stream", "stream.created"): gettext_noop("created the stream"),
    ("stream", "stream.changed"): gettext_noop("changed the stream’s settings"),  # noqa: RUF001
    ("stream", "target.set"): gettext_noop("set the error target"),
    ("attempt", "target.attempted"): gettext_noop("ran evaluation %(version)s"),
    ("attempt", "statement.alarmed"): gettext_noop(
        "raised a drift alarm: more errors than the guarantee of evaluation %(version)s allows"
    ),
    ("attempt", "statement.ended"): gettext_noop("recorded the end of the guarantee of evaluation %(version)s"),
    ("stream", "test_items.mixed_in"): gettext_noop("added test items"),
    ("stop", "stream.stopped"): gettext_noop("stopped automation"),
    ("stop", "stream.stop_repeated"): gettext_noop("stopped automation that was already stopped"),
    ("stop", "stream.resume_asked"): gettext_noop("asked to resume automation"),
    ("stop", "stream.resume_cancelled"): gettext_noop("cancelled the request to resume by a new stop"),
    ("stop", "stream.resumed"): gettext_noop("resumed automation"),
    ("queue", "configured"): gettext_noop("set up the queue"),
    ("item", "enqueued"): ngettext_lazy("queued an item for review", "queued %(number)s items for review", "number"),
    ("item", "settled"): ngettext_lazy("settled an item", "settled %(number)s items", "number"),
    ("item", "asked_lead"): ngettext_lazy(
        "asked the lead about an item", "asked the lead about %(number)s items", "number"
    ),
    ("item", "reopened"): gettext_noop("reopened item %(id)s"),
    ("item", "withdrawn"): ngettext_lazy(
        "removed an item from the queue", "removed %(number)s items from the queue", "number"
    ),
    ("item", "expired"): ngettext_lazy(
        "closed an item past its deadline", "closed %(number)s items past their deadline", "number"
    ),
    ("item", "passed"): gettext_noop("passed item %(id)s to someone else"),
    ("item", "answered_first"): gettext_noop("answered item %(id)s before seeing the model’s answer"),  # noqa: RUF001
    ("verdict", "submitted"): gettext_noop("submitted a verdict"),
    ("verdict", "undone"): gettext_noop("undid a verdict"),
    ("user", "created"): gettext_noop("created the account %(id)s"),
    ("user", "changed"): gettext_noop("changed the permissions of %(id)s"),
    ("user", "joined"): gettext_noop("joined the stream"),
    ("user", "deactivated"): gettext_noop("closed the account %(id)s"),
    ("user", "reactivated"): gettext_noop("reopened the account %(id)s"),
    ("user", "password_reset"): gettext_noop("reset the password of %(id)s"),
    ("user", "password_changed"): gettext_noop("changed their password"),
    ("user", "signed_in"): gettext_noop("signed in"),
    ("user", "signed_out"): gettext_noop("signed out"),
    ("user", "sign_in_failed"): gettext_noop("refused a sign-in as %(id)s"),
    ("sign_in", "sign_in_failed"): gettext_noop("refused a sign-in under an unknown name"),
}


def describe_event(event: ActivityEvent) -> str:
    """The event as a sentence; one without a sentence of its own shows its verb and object."""
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
