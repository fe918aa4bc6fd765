"""All of a person's streams at a glance, and how the machinery is."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from escalation.monitoring import heartbeats
from escalation.reports.overview import of
from escalation.views import stream_page
from reviewqueue.accounts import roles
from reviewqueue.http import PersonRequest, for_people
from reviewqueue.kernel import clock
from reviewqueue.reports import reviews


@require_GET
@for_people(roles.may_see_reports)
def overview(request: PersonRequest) -> HttpResponse:
    """What waits, what came in and what was decided today, how often the AI is wrong, and what is stopped."""
    queues = list(roles.queues_for(request.user))
    rows = of([queue.slug for queue in queues])
    missing = heartbeats.degraded()
    stopped_all = next((row.stop for row in rows if row.stop and row.stop.stream_id is None), None)
    now = clock.current()
    context = {
        "rows": rows,
        "now": now,
        "today": clock.day(now),
        "on": reviews.on_now(queues),
        "missing": [text for name, text in heartbeats.WATCHED.items() if name in missing],
        "behind": heartbeats.behind_seconds(),
        "stopped_all": stopped_all,
        **stream_page.resuming(request, stopped_all),
        "may_stop_all": roles.may_manage(request.user) and roles.is_everywhere(request.user),
        "may_manage": roles.may_manage(request.user),
    }
    return render(request, "escalation/overview.html", context)
