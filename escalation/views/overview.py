"""All streams of the user at a glance, and system health."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from escalation.monitoring import heartbeats
from escalation.reports.loosening import list_recent_loosenings
from escalation.reports.overview import list_stream_overviews
from escalation.views import stream_page
from reviewqueue.accounts import roles
from reviewqueue.facade import facts
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel import clock


@require_safe
@require_person(roles.may_see_reports)
def show_overview(request: PersonRequest) -> HttpResponse:
    """What needs a decision or waits for the user; then each stream's load, error rate and guarantee, worst first."""
    slugs = [queue.slug for queue in roles.list_queues(request.user)]
    rows = list_stream_overviews(slugs)
    stopped_all = next((row.stop for row in rows if row.stop and row.stop.stream_id is None), None)
    now = clock.current_time()
    context = {
        "rows": rows,
        "endings": [row for row in rows if row.ending],
        "now": now,
        "today": clock.team_date(now),
        "active_reviewers": facts.list_active_reviewers(slugs),
        "late_sweeps": heartbeats.find_late_sweeps(),
        "routing_lag": heartbeats.measure_routing_lag_seconds(),
        "stopped_all": stopped_all,
        "loosenings": list_recent_loosenings(slugs, now=now),
        **stream_page.build_resume_context(request, stopped_all),
        "may_stop_all": roles.may_manage(request.user) and roles.has_all_queues(request.user),
        "may_manage": roles.may_manage(request.user),
    }
    return render(request, "escalation/overview.html", context)
