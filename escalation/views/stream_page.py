"""What every page of a stream needs: the stream, and the context of its frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from escalation.models import Stop, Stream
from escalation.reports import overview
from escalation.routing import stop as routing_stop
from escalation.streams import definition
from reviewqueue.accounts import roles
from reviewqueue.accounts.roles import QueueFacts
from reviewqueue.activity import log
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
    """Context of the frame: name, tabs and stop."""
    stop = overview.find_active_stop(scope.stream)
    return {
        "stream": scope.stream,
        "tab": tab,
        "may_manage": roles.may_manage(request.user),
        "stop": stop,
        **build_resume_context(request, stop),
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
