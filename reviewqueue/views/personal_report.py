"""The user's own numbers: a page, and the line at the foot of the desk."""

from __future__ import annotations

from typing import cast

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reviewqueue.accounts import roles
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.reports import personal
from reviewqueue.views.desk_context import DeskRequest


@require_safe
@require_person(roles.may_review)
def show_numbers(request: PersonRequest) -> HttpResponse:
    """The signed-in user's numbers; nobody else's can be requested."""
    if cast("DeskRequest", request).htmx:
        summary = personal.build_personal_summary(request.user)
        return render(request, "reviewqueue/personal_report/summary.html", {"summary": summary})
    report = personal.build_personal_report(request.user)
    return render(request, "reviewqueue/personal_report.html", {"report": report})
