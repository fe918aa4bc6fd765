"""What every page of a stream needs: the stream, and the context of its frame."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.utils.functional import SimpleLazyObject

from escalation.guarantees import endings
from escalation.models import Output, Stop, Stream
from escalation.policies import drafts, versions
from escalation.reports import overview
from escalation.routing import stop as routing_stop
from escalation.streams import definition
from reviewqueue.accounts import api_keys, roles
from reviewqueue.accounts.roles import QueueFacts
from reviewqueue.activity import log
from reviewqueue.facade.queue import get_answer_spec
from reviewqueue.http import PersonRequest
from reviewqueue.kernel import clock


@dataclass(frozen=True, slots=True)
class StreamPage:
    """A stream and its queue, of which the person is a member."""

    stream: Stream
    queue: QueueFacts


def load_stream_page(request: PersonRequest, slug: str) -> StreamPage:
    """The stream; NotFound if it does not exist or the user is not a member."""
    queue = roles.get_queue(request.user, slug)
    return StreamPage(definition.get_stream(queue.slug), queue)


def build_page_context(request: PersonRequest, scope: StreamPage, *, tab: str) -> dict[str, Any]:
    """Context of the frame: name, tabs, stop, and an ended guarantee that needs a decision."""
    stop = overview.find_active_stop(scope.stream)
    return {
        "stream": scope.stream,
        "tab": tab,
        "may_manage": roles.may_manage(request.user),
        "stop": stop,
        "ending": endings.find_open_ending(scope.stream),
        **build_resume_context(request, stop),
        **_build_policy_context(request, scope, everybody=tab == "stream"),
        # Lazy: only pages that show it pay for it.
        "getting_started": SimpleLazyObject(lambda: _build_getting_started(request, scope)),
    }


def build_resume_context(request: PersonRequest, stop: Stop | None) -> dict[str, Any]:
    """Whether a request to resume stands, and which of the two steps of resuming the user can take."""
    asked = stop is not None and routing_stop.has_request(stop, now=clock.current_time())
    if stop is None or not roles.may_manage(request.user):
        return {"resume_asked": asked, "may_ask": False, "may_resume": False}
    if stop.stream_id is None and not roles.has_all_queues(request.user):
        return {"resume_asked": asked, "may_ask": False, "may_resume": False}
    mine = stop.resume_asked_by == log.user_actor(request.user)
    return {"resume_asked": asked, "may_ask": not asked, "may_resume": asked and not mine}


def _build_policy_context(request: PersonRequest, scope: StreamPage, *, everybody: bool) -> dict[str, Any]:
    """Whether a policy covers the present answers, and a version that waits, for those who can act on it.

    everybody: show the version that waits to people who only read, too.
    """
    current = versions.find_active_policy(scope.stream)
    draft = drafts.find_newest_draft(scope.stream, current)
    manages = roles.may_manage(request.user)
    asked = draft.request if draft else None
    return {
        "uncovered": current is not None and current.schema_number != scope.stream.schema_number,
        "active_number": current.number if current else None,
        "draft": draft if manages or everybody else None,
        "may_approve_draft": manages and asked is not None and asked.asked_by != log.user_actor(request.user),
    }


def _build_getting_started(request: PersonRequest, scope: StreamPage) -> dict[str, Any] | None:
    """What is left to do before the first output; None once there is one, and for people who cannot do it."""
    stream = scope.stream
    if not roles.may_manage(request.user) or Output.objects.filter(stream=stream).exists():
        return None
    members = [member for member in roles.list_members(stream.slug) if member.role in roles.REVIEWER_ROLES]
    return {
        "has_policy": versions.find_active_policy(stream) is not None,
        "has_reviewers": bool(members),
        "has_key": api_keys.has_usable_key(stream.slug, "outputs:write"),
        "url": request.build_absolute_uri(f"/api/v1/streams/{stream.slug}/outputs"),
        "body": _build_example_output(stream),
    }


def _build_example_output(stream: Stream) -> str:
    """A first output as JSON for single quotes in a shell, which the stream accepts whatever its answers."""
    form = get_answer_spec(slug=stream.slug, number=stream.schema_number)
    answers = list(form.answers)
    predictions: dict[str, Any] = {"label": answers[0] if answers else "", "labels": answers[:1]}
    text = json.dumps(
        {
            "id": "my-first",
            "model": "my-model",
            "prediction": predictions.get(form.kind, {}),
            "confidence": 0.62,
            "input": {"text": "What the reviewer reads"},
        },
        ensure_ascii=False,
    )
    return text.replace("'", r"\u0027")
