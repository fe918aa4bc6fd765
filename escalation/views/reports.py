"""A stream's report as a page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from escalation.forms.search import WindowForm
from escalation.guarantees import summary
from escalation.models.output_id import EARLIEST_RECEIPT_DAYS, LATEST_RECEIPT_DAYS, DayBasis
from escalation.reports.costs import CostEstimate
from escalation.reports.stream_report import Report, build_report, default_report_window
from escalation.views import stream_page
from escalation.views.charts import bars
from escalation.views.charts.bars import BarChart, Series
from reviewqueue.accounts import roles
from reviewqueue.facade import facts
from reviewqueue.http import PersonRequest, require_person

SPAN_CHOICES_DAYS = (7, 28, 91)


@require_safe
@require_person(roles.may_see_reports)
def show_report(request: PersonRequest, slug: str) -> HttpResponse:
    """The guarantee, four key figures, two charts and their breakdowns."""
    here = stream_page.load_stream_page(request, slug)
    (since, until), by = default_report_window(), DayBasis.RECEIVED
    form = WindowForm(request.GET or None)
    if form.is_valid():
        (since, until), by = form.window(since, until), form.basis()
    found = build_report(stream=here.stream, since=since, until=until, by=by)
    context = {
        **stream_page.build_page_context(request, here, tab="report"),
        "report": found,
        "summary": summary.build_guarantee_summary(here.stream),
        "form": form if form.is_bound else WindowForm(initial={"since": since, "until": until}),
        "by": by,
        "receipt_days": (EARLIEST_RECEIPT_DAYS, LATEST_RECEIPT_DAYS),
        "window": urlencode({"since": since, "until": until, **({} if by is DayBasis.RECEIVED else {"by": by})}),
        "spans": [
            (days, until - timedelta(days=days - 1), (until - since).days + 1 == days) for days in SPAN_CHOICES_DAYS
        ],
        "money_chart": _draw_cost_chart(found),
        "flow_chart": _draw_throughput_chart(found),
        "alternatives": _compare_alternatives(found),
        "breakdowns": _list_breakdowns(found),
        "actions": _summarize_actions(found),
    }
    return render(request, "escalation/report.html", context)


def _draw_cost_chart(found: Report) -> BarChart:
    estimates = [day.costs.undetected_errors for day in found.days]
    undetected = [one.value if one is not None and one.has_enough_audits else None for one in estimates]
    known = any(value is not None for value in undetected)
    shown = [Series(_("undetected errors (estimate)"), "series-3", undetected)] if known else []
    return bars.draw_bars(
        [day.day for day in found.days],
        [
            Series(_("caught errors"), "series-1", [day.costs.caught_errors for day in found.days]),
            Series(_("cost of reviews"), "series-2", [day.costs.reviews for day in found.days]),
            *shown,
        ],
    )


def _draw_throughput_chart(found: Report) -> BarChart:
    return bars.draw_bars(
        [day.day for day in found.days],
        [
            Series(_("received"), "series-2", [day.throughput.received for day in found.days]),
            Series(_("sent to review"), "series-4", [day.throughput.to_people for day in found.days]),
            Series(_("decided by reviewers"), "series-1", [day.decided for day in found.days]),
        ],
    )


def _compare_alternatives(found: Report) -> list[dict[str, Any]]:
    """The costs of these days compared with reviewing nothing and reviewing everything."""
    sums, none = found.costs, CostEstimate(0.0, 0.0, 0.0)
    all_errors = sums.all_errors
    everything = all_errors.value if all_errors is not None and all_errors.has_enough_audits else None
    return [
        {"name": _("Actual"), "chosen": True, "undetected": sums.undetected_errors, "caught": sums.caught_errors,
         "reviews": sums.reviews, "balance": sums.balance},
        {"name": _("Review nothing"), "undetected": sums.all_errors, "caught": 0.0, "reviews": 0.0, "balance": 0.0},
        {"name": _("Review everything"), "undetected": none, "caught": everything, "reviews": sums.review_of_all,
         "balance": None if everything is None else everything - sums.review_of_all},
    ]  # fmt: skip


def _summarize_actions(found: Report) -> list[dict[str, Any]]:
    """Passes, escalations, unjudgeable verdicts and error types, each with its reasons and counts."""
    titles = {
        "pass": _("Passed to someone else"),
        "escalate": _("Asked the lead"),
        "unjudgeable": _("Can’t be judged"),  # noqa: RUF001 - an apostrophe
        "mistake": _("Error type"),
    }
    return [
        {
            "name": act,
            "title": title,
            "total": sum(found.actions[act].values()),
            "rows": [(code, facts.describe_reason(act, code), number) for code, number in found.actions[act].items()],
        }
        for act, title in titles.items()
        if found.actions[act]
    ]


def _list_breakdowns(found: Report) -> list[dict[str, Any]]:
    """Each breakdown with the output list filter that finds a group's rows, if there is one."""
    # Outputs whose answer is not a single label are all in one class.
    classes = found.classes if any(group.name for group in found.classes) else []
    return [
        {"title": _("By answer"), "head": _("Model’s answer"), "groups": classes, "filter": "answer"},  # noqa: RUF001 - an apostrophe
        {"title": _("By model version"), "head": _("Model"), "groups": found.model_versions, "filter": ""},
        *(
            {"title": _("By %(key)s") % {"key": key}, "head": key, "groups": groups, "filter": ""}
            for key, groups in found.segments.items()
        ),
    ]
