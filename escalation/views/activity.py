"""Who did what, newest first."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reviewqueue.accounts import roles
from reviewqueue.http import PersonRequest, for_people
from reviewqueue.reports import reviews

PAGE = 100


@require_GET
@for_people(roles.may_see_activity)
def activity(request: PersonRequest) -> HttpResponse:
    """The activity of one stream or of all, a page at a time."""
    chosen = request.GET.get("stream", "")
    before = request.GET.get("before", "")
    found = reviews.activity(request.user, queue=chosen, before=int(before) if before.isdecimal() else None)
    events = list(found[: PAGE + 1])
    query = request.GET.copy()
    query["before"] = str(events[PAGE - 1].pk) if len(events) > PAGE else ""
    context = {
        "events": events[:PAGE],
        "queues": roles.queues_for(request.user),
        "chosen": chosen,
        "older": query.urlencode() if len(events) > PAGE else "",
    }
    return render(request, "escalation/activity.html", context)
