"""Outputs: searching them, the history of one, and reopening."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from escalation.decisions import reopen
from escalation.forms.search import OutputSearchForm
from escalation.models import Output, Stream
from escalation.outputs import detail, history, search
from escalation.outputs.detail import OutputDetail
from escalation.outputs.search import OutputPage, OutputQuery
from escalation.views import stream_page
from reviewqueue.accounts import roles
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel.errors import DomainError, NotFound


@require_safe
@require_person(roles.may_see_reports)
def list_all_outputs(request: PersonRequest) -> HttpResponse:
    """The outputs of all streams of the user."""
    mine = [row.slug for row in roles.list_queues(request.user)]
    return _render_list(request, list(Stream.objects.filter(slug__in=mine)), {"tab": ""}, "escalation/outputs_all.html")


@require_safe
@require_person(roles.may_see_reports)
def list_outputs(request: PersonRequest, slug: str) -> HttpResponse:
    """The outputs of one stream."""
    here = stream_page.load_stream_page(request, slug)
    return _render_list(
        request, [here.stream], stream_page.build_page_context(request, here, tab="outputs"), "escalation/outputs.html"
    )


@require_safe
@require_person(roles.may_see_reports)
def show_output(request: PersonRequest, slug: str, external_id: str) -> HttpResponse:
    """One output with its full history; content only for those who may see it."""
    here = stream_page.load_stream_page(request, slug)
    found = _find_output(request, here.stream, external_id)
    sees_content = roles.may_see_content(request.user)
    record = detail.load_output_detail(found)
    # Anyone who may still review it must not see the model's or others' answers first.
    withheld = roles.may_review(request.user) and search.may_be_judged(found, is_open=record.is_open)
    context = {
        **stream_page.build_page_context(request, here, tab="outputs"),
        "output": found,
        "record": record,
        "withheld": withheld,
        "undecided": search.is_undecided(found),
        "history": [] if withheld else history.build_output_history(found, content=sees_content),
        "sees_content": sees_content,
        "content": detail.load_output_content(found, here.queue.display) if sees_content else None,
        "may_reopen": roles.may_lead(request.user) and found.state == Output.State.DECIDED and _is_settled(record),
    }
    return render(request, "escalation/output.html", context)


def _is_settled(record: OutputDetail) -> bool:
    return record.outcome is not None and not record.is_open


@require_POST
@require_person(roles.may_lead)
def reopen_output(request: PersonRequest, slug: str, external_id: str) -> HttpResponse:
    """Send a decided output back to review."""
    found = _find_output(request, stream_page.load_stream_page(request, slug).stream, external_id)
    reason = request.POST.get("reason", "").strip()[:400]
    try:
        reopen.reopen_output(output_id=found.pk, by=request.user, reason=reason)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Sent back to review. The new answer will be the next revision of the decision."))
    return redirect("output", slug, external_id)


def _render_list(request: PersonRequest, among: list[Stream], frame: dict[str, Any], template: str) -> HttpResponse:
    form = OutputSearchForm(request.GET or None, named_reasons=search.list_named_reasons(among))
    query = form.query() if form.is_valid() else OutputQuery()
    judging = roles.may_review(request.user)
    exact = _find_exact_match(request, among, query.begins)
    if exact is not None:
        return redirect("output", exact.stream.slug, exact.external_id)
    before = request.GET.get("before", "")
    page = search.search_outputs(
        streams=among, query=query, before=int(before) if before.isdecimal() else None, judging=judging
    )
    rows = [_build_row(row, is_open=row.pk in page.open_ids, judging=judging) for row in page.outputs]
    context = {
        **frame,
        "form": form,
        "rows": rows,
        "older": _build_older_query(request, page),
        "searched": form.is_bound,
    }
    return render(request, template, context)


def _build_row(output: Output, *, is_open: bool, judging: bool) -> dict[str, Any]:
    return {
        "output": output,
        "waiting": is_open or search.is_undecided(output),
        "unnamed": judging and search.is_unknown_to_reviewers(output),
        "withheld": judging and search.may_be_judged(output, is_open=is_open),
    }


def _find_exact_match(request: PersonRequest, among: list[Stream], external_id: str) -> Output | None:
    """The one output with this id that the person may know, so that pasting an id opens it directly."""
    found = _find_known(request, among, external_id) if external_id else []
    return found[0] if len(found) == 1 else None


def _build_older_query(request: PersonRequest, page: OutputPage) -> str:
    if page.older is None:
        return ""
    query = request.GET.copy()
    query["before"] = str(page.older)
    return query.urlencode()


def _find_output(request: PersonRequest, stream: Stream, external_id: str) -> Output:
    found = _find_known(request, [stream], external_id)
    if not found:
        message = (
            _("There is no output %(external_id)r in this stream, or reviewers have yet to decide it.")
            if roles.may_review(request.user)
            else _("There is no output %(external_id)r in this stream.")
        )
        raise NotFound(message % {"external_id": external_id})
    return found[0]


def _find_known(request: PersonRequest, among: list[Stream], external_id: str) -> list[Output]:
    """The outputs with this id. For possible reviewers, those that are yet to be decided do not exist: no test item has
    an output, so looking up what is on the desk would tell them apart."""
    found = search.find_by_external_id(among, external_id)
    if not roles.may_review(request.user):
        return found
    return [output for output in found if not search.is_unknown_to_reviewers(output)]
