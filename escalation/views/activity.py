"""Who did what, newest first."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reviewqueue.accounts import roles
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.reports import reviews

PAGE_SIZE_EVENTS = 100


@require_GET
@require_person(roles.may_see_activity)
def show_activity(request: PersonRequest) -> HttpResponse:
    """The activity of one stream or of all, a page at a time."""
    chosen = request.GET.get("stream", "")
    before = request.GET.get("before", "")
    found = reviews.activity_visible_to(request.user, queue=chosen, before=int(before) if before.isdecimal() else None)
    events = list(found[: PAGE_SIZE_EVENTS + 1])
    query = request.GET.copy()
    query["before"] = str(events[PAGE_SIZE_EVENTS - 1].pk) if len(events) > PAGE_SIZE_EVENTS else ""
    context = {
        "events": events[:PAGE_SIZE_EVENTS],
        "queues": roles.queues_for(request.user),
        "chosen": chosen,
        "older": query.urlencode() if len(events) > PAGE_SIZE_EVENTS else "",
    }
    return render(request, "escalation/activity.html", context)
