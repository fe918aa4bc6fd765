"""Who did what, newest first."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reviewqueue.accounts import roles
from reviewqueue.facade import facts
from reviewqueue.http import PersonRequest, require_person

PAGE_SIZE_EVENTS = 100


@require_safe
@require_person(roles.may_see_activity)
def show_activity(request: PersonRequest) -> HttpResponse:
    """The activity of one stream or of all, a page at a time."""
    chosen = request.GET.get("stream", "")
    before = request.GET.get("before", "")
    events = facts.list_visible_events(
        request.user,
        queue=chosen,
        before=int(before) if before.isdecimal() else None,
        limit=PAGE_SIZE_EVENTS + 1,
    )
    query = request.GET.copy()
    query["before"] = str(events[PAGE_SIZE_EVENTS - 1].id) if len(events) > PAGE_SIZE_EVENTS else ""
    context = {
        "events": events[:PAGE_SIZE_EVENTS],
        "queues": roles.list_queues(request.user),
        "chosen": chosen,
        "older": query.urlencode() if len(events) > PAGE_SIZE_EVENTS else "",
    }
    return render(request, "escalation/activity.html", context)
