"""A stream's report as the API's JSON; unknown values are null."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from escalation.reports.costs import CostEstimate, CostSummary
from escalation.reports.error_rate import ErrorRate, Throughput
from escalation.reports.stream_report import Report, ReportGroup


def report_as_json(report: Report) -> dict[str, Any]:
    """The report as API JSON."""
    return {
        "stream": report.stream,
        "since": report.since,
        "until": report.until,
        "by": report.by,
        "as_of": report.as_of,
        "time_zone": timezone.get_default_timezone_name(),
        "policy": report.policy,
        **_totals_as_json(report),
        "days": _days_as_json(report),
        "classes": _groups_as_json(report.classes),
        "model_versions": _groups_as_json(report.model_versions),
        "segments": {key: _groups_as_json(groups) for key, groups in report.segments.items()},
        **_parts_as_json(report),
        "reasons": dict(report.reasons_for_producers),
        "acts": {
            "passed": _action_as_json(report.actions["pass"]),
            "asked_lead": _action_as_json(report.actions["escalate"]),
            "unjudgeable": _action_as_json(report.actions["unjudgeable"]),
        },
        "error_types": report.actions["mistake"],
    }


def _totals_as_json(report: Report) -> dict[str, Any]:
    return {
        "throughput": {
            **_throughput_as_json(report.throughput),
            "decided_by_people": report.decided,
            "waiting": report.waiting,
            "shadow": report.shadow,
        },
        "time_to_decision": {
            "decided": report.times.decided,
            "median_seconds": report.times.median,
            "p90_seconds": report.times.p90,
            "p95_seconds": report.times.p95,
        },
        "error_rate": {**_error_rate_as_json(report.error_rate), "blind": report.blind, "unchecked": report.unaudited},
        "money": {
            "currency": report.currency,
            **_costs_as_json(report.costs),
            "unpriced": report.unpriced,
            "check_nothing": _without_review_as_json(report.costs),
            "check_everything": _with_full_review_as_json(report.costs),
        },
    }


def _days_as_json(report: Report) -> list[dict[str, Any]]:
    return [
        {
            "day": day.day,
            **_throughput_as_json(day.throughput),
            "decided_by_people": day.decided,
            **_costs_as_json(day.costs),
        }
        for day in report.days
    ]


def _parts_as_json(report: Report) -> dict[str, Any]:
    """The figures of single fields and labels."""
    totals = report.label_errors
    return {
        "fields": [
            {
                "field": one.field,
                "received": one.received,
                "automatic": one.automated,
                "error_rate": _error_rate_as_json(one.error_rate),
            }
            for one in report.fields
        ],
        "labels": [
            {
                "label": one.label,
                "error_rate": _error_rate_as_json(one.error_rate),
                "missed": _error_rate_as_json(one.missed),
                "invented": _error_rate_as_json(one.invented),
                "right": one.right,
                "predicted": one.predicted,
            }
            for one in report.labels
        ],
        "label_errors": None
        if totals is None
        else {
            "per_output": totals.per_output,
            "missed": totals.missed,
            "invented": totals.invented,
            "checked": totals.audits,
        },
    }


def _action_as_json(by_reason: dict[str, int]) -> dict[str, Any]:
    """The total and the counts by reason code; the code is empty if no reason was given."""
    return {"total": sum(by_reason.values()), "reasons": by_reason}


def _throughput_as_json(throughput: Throughput) -> dict[str, int]:
    return {"received": throughput.received, "automatic": throughput.automated, "to_people": throughput.to_people}


def _error_rate_as_json(rate: ErrorRate) -> dict[str, Any]:
    return {
        "rate": rate.rate,
        "low": rate.low,
        "high": rate.high,
        "checked": rate.audits,
        "wrong": rate.wrong,
        "drawn": rate.drawn,
        "withdrawn": rate.withdrawn,
    }


def _costs_as_json(sums: CostSummary) -> dict[str, Any]:
    return {
        "let_through": _estimate_as_json(sums.undetected_errors),
        "caught": sums.caught_errors,
        "reviews": sums.reviews,
        "balance": sums.balance,
    }


def _estimate_as_json(estimate: CostEstimate | None) -> dict[str, float] | None:
    if estimate is None:
        return None
    return {"estimate": estimate.value, "low": estimate.low, "high": estimate.high}


def _without_review_as_json(sums: CostSummary) -> dict[str, Any]:
    """The costs without any review: every error undetected, no review costs."""
    return {"let_through": _estimate_as_json(sums.all_errors), "caught": 0.0, "reviews": 0.0, "balance": 0.0}


def _with_full_review_as_json(sums: CostSummary) -> dict[str, Any]:
    """The costs if people had reviewed everything and missed no error."""
    caught = sums.all_errors.value if sums.all_errors else None
    return {
        "let_through": {"estimate": 0.0, "low": 0.0, "high": 0.0},
        "caught": caught,
        "reviews": sums.review_of_all,
        "balance": None if caught is None else caught - sums.review_of_all,
    }


def _groups_as_json(groups: list[ReportGroup]) -> list[dict[str, Any]]:
    return [
        {
            "name": group.name,
            "shadow": group.shadow,
            **_throughput_as_json(group.throughput),
            "error_rate": _error_rate_as_json(group.error_rate),
            **_costs_as_json(group.costs),
        }
        for group in groups
    ]
