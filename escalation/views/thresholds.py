"""Trying thresholds on past traffic: the slider, the two pictures and their numbers as files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from escalation.guarantees import describe, evaluations, guarantees, targets, thresholds
from escalation.models import Target
from escalation.policies import versions
from escalation.simulation import explorer
from escalation.simulation.explorer import Traffic
from escalation.simulation.threshold_curve import Point
from escalation.views import stream_page
from escalation.views.charts import curves
from escalation.views.charts.curves import Place, Plot
from escalation.views.stream_page import Scope
from reviewqueue.accounts import roles
from reviewqueue.http import PersonRequest, for_people
from reviewqueue.kernel.errors import NotFound

_OF_A_POINT = (
    "threshold",
    "outputs",
    "automatic",
    "checked",
    "wrong",
    "rate",
    "low",
    "high",
    "error_cost",
    "review_cost",
)


def context(request: PersonRequest, here: Scope, target: Target | None) -> dict[str, Any]:
    """What the promise's page shows of past traffic; nothing before the first output.

    Nobody sees how often the AI is wrong before they have said what may go wrong.
    """
    if target is None or (seen := explorer.traffic(here.stream)) is None or not seen.outputs:
        return {}
    return _pictures(here, target, seen) | _tried(request, here, seen)


@require_GET
@for_people(roles.may_see_reports)
def trial(request: PersonRequest, slug: str) -> HttpResponse:
    """What the threshold under somebody's finger would have done."""
    here = stream_page.of(request, slug)
    tried = {"stream": here.stream, "live": True, **_tried(request, here, _seen(here))}
    return render(request, "escalation/partials/trial.html", tried)


@require_GET
@for_people(roles.may_see_reports)
def curve(request: PersonRequest, slug: str) -> HttpResponse:
    """The numbers behind the curve, as a file."""
    points = explorer.curve(_seen(stream_page.of(request, slug)))
    rows = ([getattr(point, name) for name in _OF_A_POINT] for point in points)
    return _file(f"{slug}-thresholds.csv", _OF_A_POINT, rows)


@require_GET
@for_people(roles.may_see_reports)
def honesty(request: PersonRequest, slug: str) -> HttpResponse:
    """The numbers behind "when it says 80 %, how often is it right?", as a file."""
    bins = explorer.honesty(_seen(stream_page.of(request, slug))).bins
    rows = ([part.low, part.high, part.said, part.n, part.right, *part.interval] for part in bins)
    return _file(f"{slug}-honesty.csv", ("says_from", "says_to", "says", "checked", "right", "low", "high"), rows)


def _seen(here: Scope) -> Traffic:
    seen = explorer.traffic(here.stream)
    if seen is None or targets.target(here.stream) is None:
        raise NotFound(_("There is nothing to try a threshold on yet."))
    return seen


def _file(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(columns)
    writer.writerows(rows)
    return response


def _tried(request: PersonRequest, here: Scope, seen: Traffic) -> dict[str, Any]:
    """The threshold that was asked for, else the one in use, and what it would have done."""
    in_use = _in_use(here)
    asked = request.GET.get("place", "")
    start = thresholds.at_or_above(0.9) if in_use is None else in_use
    place = min(int(asked), len(thresholds.THRESHOLDS) - 1) if asked.isascii() and asked.isdigit() else start
    parts = "parts" in request.GET
    return {
        "trial": explorer.at(seen, thresholds.THRESHOLDS[place], parts=parts),
        "parts": parts,
        "place": place,
        "thresholds": thresholds.THRESHOLDS,
        "most": len(thresholds.THRESHOLDS) - 1,
        "is_in_use": place == in_use,
        "seen": seen,
        "currency": seen.price.costs.currency,
    }


def _in_use(here: Scope) -> int | None:
    """The place of the threshold that decides today; None where there is not one for everything."""
    current = versions.active(here.stream)
    return thresholds.at_or_above(current.spec.threshold) if current and current.spec.threshold is not None else None


def _pictures(here: Scope, target: Target, seen: Traffic) -> dict[str, Any]:
    """The curve of mistakes against automation, and the diagram of how honest the confidence is; each with its rows."""
    points = explorer.curve(seen)
    honest = explorer.honesty(seen)
    places = [Place(part.said, part.right, *part.interval) for part in honest.bins]
    return {
        "points": points,
        "curve": _curve(here, target, points),
        "bins": honest.bins,
        "honest": honest,
        "points_off": None if honest.off is None else honest.off * 100,
        "takes": {"checked": explorer.LEAST_CHECKED, "wrong": explorer.LEAST_WRONG},
        "honesty": curves.draw(places, y_most=1.0, diagonal=True),
        "shape": describe.shape(honest.bins),
    }


def _curve(here: Scope, target: Target, points: list[Point]) -> Plot:
    known = [point for point in reversed(points) if point.rate is not None and point.automatic]
    places = [Place(point.share, point.rate or 0.0, point.low or 0.0, point.high or 1.0) for point in known]
    return curves.draw(places, marks=_marks(here, known), rule=target.max_error)


def _marks(here: Scope, known: list[Point]) -> dict[str, tuple[float, float]]:
    """Where the statement lies, or else the policy: only where one threshold decides about everything."""
    statement = guarantees.in_force(here.stream)
    if statement is not None and statement.holds and statement.attempt.target.groups == Target.Groups.TOGETHER:
        (group,) = evaluations.groups_of(statement.attempt)
        if group.coverage is not None and group.bound is not None:
            return {_("stated"): (group.coverage, group.bound)}
    in_use = _in_use(here)
    threshold = None if in_use is None else thresholds.THRESHOLDS[in_use]
    # Points that change nothing are left out, so the threshold in use may share the one of a stricter one.
    at = next((point for point in known[::-1] if threshold is not None and point.threshold >= threshold), None)
    return {} if at is None or at.rate is None else {_("in use"): (at.share, at.rate)}
