"""Trying thresholds on past traffic: the slider, the two charts and their CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from escalation.guarantees import describe, group_results, guarantees, targets, thresholds
from escalation.models import ErrorTarget
from escalation.policies import versions
from escalation.simulation import explorer
from escalation.simulation.explorer import Traffic
from escalation.simulation.threshold_curve import ThresholdPoint
from escalation.views import populations, stream_page
from escalation.views.charts import curves
from escalation.views.charts.curves import CurvePlot, PlotPoint
from escalation.views.stream_page import StreamPage
from reviewqueue.accounts import roles
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel.errors import NotFound

_CURVE_COLUMNS = (
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


def build_threshold_context(request: PersonRequest, here: StreamPage, target: ErrorTarget | None) -> dict[str, Any]:
    """What the guarantee page shows of past traffic; empty before the first output.

    It is also empty before an error target is set, so that nobody picks a target to fit the error rate.
    """
    if target is None:
        return {}
    seen = explorer.load_traffic(here.stream, covered=populations.read_population(request, here.stream).other)
    if seen is None or not seen.outputs:
        return {}
    return _build_chart_context(here, target, seen) | _build_preview_context(request, here, seen)


@require_safe
@require_person(roles.may_see_reports)
def show_preview(request: PersonRequest, slug: str) -> HttpResponse:
    """What the chosen threshold would have done, as a fragment."""
    here = stream_page.load_stream_page(request, slug)
    seen = _load_traffic(request, here)
    tried = {"stream": here.stream, "live": True, **_build_preview_context(request, here, seen)}
    return render(request, "escalation/partials/threshold_preview.html", tried)


@require_safe
@require_person(roles.may_see_reports)
def download_curve(request: PersonRequest, slug: str) -> HttpResponse:
    """The points of the curve as CSV."""
    points = explorer.list_curve_points(_load_traffic(request, stream_page.load_stream_page(request, slug)))
    rows = ([getattr(point, name) for name in _CURVE_COLUMNS] for point in points)
    return _render_csv(f"{slug}-thresholds.csv", _CURVE_COLUMNS, rows)


@require_safe
@require_person(roles.may_see_reports)
def download_calibration(request: PersonRequest, slug: str) -> HttpResponse:
    """The bins of the calibration chart as CSV."""
    bins = explorer.measure_calibration(_load_traffic(request, stream_page.load_stream_page(request, slug))).bins
    rows = ([part.low, part.high, part.mean_confidence, part.n, part.accuracy, *part.interval] for part in bins)
    return _render_csv(
        f"{slug}-calibration.csv", ("says_from", "says_to", "says", "checked", "right", "low", "high"), rows
    )


def _load_traffic(request: PersonRequest, here: StreamPage) -> Traffic:
    seen = explorer.load_traffic(here.stream, covered=populations.read_population(request, here.stream).other)
    if seen is None or targets.find_error_target(here.stream) is None:
        raise NotFound(_("Set an error target and post outputs before you try a threshold."))
    return seen


def _render_csv(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(columns)
    writer.writerows(rows)
    return response


def _build_preview_context(request: PersonRequest, here: StreamPage, seen: Traffic) -> dict[str, Any]:
    """The requested threshold, or the one in use, and what it would have done."""
    in_use = _find_index_in_use(here)
    asked = request.GET.get("place", "")
    start = thresholds.find_threshold_index(0.9) if in_use is None else in_use
    place = min(int(asked), len(thresholds.THRESHOLDS) - 1) if asked.isascii() and asked.isdigit() else start
    parts = "parts" in request.GET
    return {
        "preview": explorer.preview_threshold(seen, thresholds.THRESHOLDS[place], parts=parts),
        "parts": parts,
        "place": place,
        "thresholds": thresholds.THRESHOLDS,
        "most": len(thresholds.THRESHOLDS) - 1,
        "is_in_use": place == in_use,
        "seen": seen,
        "has_costs": seen.price.costs.are_set and not seen.price.by_part,
        "currency": seen.price.costs.currency,
    }


def _find_index_in_use(here: StreamPage) -> int | None:
    """The slider position of the policy's overall threshold; None if it has none."""
    current = versions.find_active_policy(here.stream)
    return (
        thresholds.find_threshold_index(current.spec.threshold)
        if current and current.spec.threshold is not None
        else None
    )


def _build_chart_context(here: StreamPage, target: ErrorTarget, seen: Traffic) -> dict[str, Any]:
    """The curve of undetected errors against automation and the calibration chart, each with its rows."""
    points = explorer.list_curve_points(seen)
    calibration = explorer.measure_calibration(seen)
    places = [PlotPoint(part.mean_confidence, part.accuracy, *part.interval) for part in calibration.bins]
    return {
        "points": points,
        "curve": _draw_curve(here, target, points),
        "bins": calibration.bins,
        "calibration": calibration,
        "points_off": None if calibration.calibration_error is None else calibration.calibration_error * 100,
        "needed": {"audits": explorer.MIN_AUDITS, "wrong": explorer.MIN_ERRORS},
        "calibration_plot": curves.draw_curve(places, y_most=1.0, diagonal=True),
        "calibration_text": describe.describe_calibration(calibration.bins),
    }


def _draw_curve(here: StreamPage, target: ErrorTarget, points: list[ThresholdPoint]) -> CurvePlot:
    known = [point for point in reversed(points) if point.rate is not None and point.automatic]
    places = [
        PlotPoint(point.automation_rate, point.rate or 0.0, point.low or 0.0, point.high or 1.0) for point in known
    ]
    return curves.draw_curve(places, marks=_choose_marks(here, known), rule=target.max_error)


def _choose_marks(here: StreamPage, known: list[ThresholdPoint]) -> dict[str, tuple[float, float]]:
    """Where the guarantee lies, or else the policy: only if one threshold covers everything."""
    guarantee = guarantees.find_latest_guarantee(here.stream)
    if (
        guarantee is not None
        and guarantee.holds
        and guarantee.evaluation.target.groups == ErrorTarget.Grouping.TOGETHER
    ):
        (group,) = group_results.parse_group_results(guarantee.evaluation)
        if group.coverage is not None:
            return {_("guaranteed"): (group.coverage, guarantee.evaluation.target.max_error)}
    in_use = _find_index_in_use(here)
    threshold = None if in_use is None else thresholds.THRESHOLDS[in_use]
    # Points without a change are left out, so the threshold in use may share the point of a stricter one.
    at = next((point for point in known[::-1] if threshold is not None and point.threshold >= threshold), None)
    return {} if at is None or at.rate is None else {_("in use"): (at.automation_rate, at.rate)}
