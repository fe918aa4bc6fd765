"""All of a person's streams at a glance, and how the machinery is."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from escalation import health, overviews
from escalation.views import scope
from reviewqueue import access, clock, reports
from reviewqueue.http import PersonRequest, for_people


@require_GET
@for_people(access.may_see_reports)
def overview(request: PersonRequest) -> HttpResponse:
    """What waits, what came in and what was decided today, how often the AI is wrong, and what is stopped."""
    queues = list(access.queues_for(request.user))
    rows = overviews.of([queue.slug for queue in queues])
    missing = health.degraded()
    stopped_all = next((row.stop for row in rows if row.stop and row.stop.stream_id is None), None)
    now = clock.current()
    context = {
        "rows": rows,
        "now": now,
        "today": clock.day(now),
        "on": reports.on_now(queues),
        "missing": [text for name, text in health.WATCHED.items() if name in missing],
        "behind": health.behind_seconds(),
        "stopped_all": stopped_all,
        **scope.resuming(request, stopped_all),
        "may_stop_all": access.may_manage(request.user) and access.is_everywhere(request.user),
        "may_manage": access.may_manage(request.user),
    }
    return render(request, "escalation/overview.html", context)
