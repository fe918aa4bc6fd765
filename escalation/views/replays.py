"""Replays of a policy version on recent outputs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from escalation.models import Policy
from escalation.policies import versions
from escalation.simulation.replay import replay_policy
from escalation.views import stream_page
from reviewqueue.accounts import roles
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import NotFound

SPAN_CHOICES_DAYS = (7, 28, 90)
MAX_REPLAYED_OUTPUTS = 200_000  # a few seconds of work
SHOWN_SPAN_DAYS = 28
MAX_OUTPUTS_SHOWN_AT_ONCE = 20_000  # a page must not wait for more


@require_safe
@require_person(roles.may_see_reports)
def show_replay(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    """The figures as a fragment of the version's page."""
    here = stream_page.load_stream_page(request, slug)
    version = Policy.objects.filter(stream=here.stream, number=number).select_related("stream").first()
    if version is None:
        raise NotFound(_("This stream's policy has no version %(number)s.") % {"number": number})
    return render(request, "escalation/partials/replay.html", build_replay_context(request, version))


def build_replay_context(request: PersonRequest, version: Policy, *, shown: bool = False) -> dict[str, Any]:
    """The spans to choose from, and the figures once one was chosen; with `shown`, those of one span at once."""
    plain: dict[str, Any] = {"stream": version.stream, "version": version, "spans": SPAN_CHOICES_DAYS}
    asked = request.GET.get("days", "")
    days = next((span for span in SPAN_CHOICES_DAYS if str(span) == asked), None)
    most = MAX_REPLAYED_OUTPUTS
    if days is None and shown:
        days, most = SHOWN_SPAN_DAYS, MAX_OUTPUTS_SHOWN_AT_ONCE
    if days is None:
        return plain
    until = clock.current_time()
    since = until - timedelta(days=days)
    found = replay_policy(
        version.stream,
        versions.spec_of(version),
        since=since,
        until=until,
        most=most,
        schema_number=version.schema_number,
    )
    return {
        **plain,
        "days": days,
        "replayed": found,
        "classes": sorted(found.classes.items(), key=lambda pair: -pair[1].outputs),
    }
