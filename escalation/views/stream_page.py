"""What every page of a stream needs: the stream, and the context of its frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from escalation.guarantees import endings
from escalation.models import Stop, Stream
from escalation.reports import overview
from escalation.streams import definition
from reviewqueue.accounts import roles
from reviewqueue.accounts.roles import QueueFacts
from reviewqueue.activity import log
from reviewqueue.http import PersonRequest


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
    }


def build_resume_context(request: PersonRequest, stop: Stop | None) -> dict[str, Any]:
    """Which of the two steps of resuming the user can take."""
    if stop is None or not roles.may_manage(request.user):
        return {"may_ask": False, "may_resume": False}
    if stop.stream_id is None and not roles.has_all_queues(request.user):
        return {"may_ask": False, "may_resume": False}
    asked = bool(stop.resume_asked_by)
    mine = stop.resume_asked_by == log.user_actor(request.user)
    return {"may_ask": not asked, "may_resume": asked and not mine}
