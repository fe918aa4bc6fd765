"""A stream's guarantee: the error target, evaluations and their evidence, test items."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from escalation.exports.evaluations import export_evaluation
from escalation.forms.guarantees import ErrorTargetForm, TestItemsForm, build_target_initial
from escalation.guarantees import describe, evaluations, group_results, guarantees, preparation, summary, targets
from escalation.models import ErrorTarget, Evaluation
from escalation.outputs import history
from escalation.test_items import mix_in
from escalation.views import guarantee_page, populations, stream_page, thresholds
from escalation.views.stream_page import StreamPage
from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.http import PersonRequest, ask_first, require_person
from reviewqueue.kernel.errors import Invalid, NotFound

MAX_INLINE_OUTPUTS = 100_000  # with more outputs, the page loads first and readiness follows


@require_safe
@require_person(roles.may_see_reports)
def show_guarantee(request: PersonRequest, slug: str) -> HttpResponse:
    """What is guaranteed now, what is missing for more, and what every threshold would have done."""
    here = stream_page.load_stream_page(request, slug)
    target = targets.find_error_target(here.stream)
    choice = populations.read_population(request, here.stream)
    traffic = thresholds.build_threshold_context(request, here, target)
    is_late = bool(traffic) and traffic["seen"].outputs > MAX_INLINE_OUTPUTS
    shown = guarantee_page.build_guarantee_context(here.stream, choice, target)
    groupings = targets.list_groupings(here.stream)
    context = {
        **stream_page.build_page_context(request, here, tab="guarantee"),
        **traffic,
        **shown,
        "progress": None if is_late else guarantee_page.measure_progress(here.stream, choice, shown),
        "target_form": ErrorTargetForm(initial=build_target_initial(target, groupings=groupings), groupings=groupings),
        "tests_form": TestItemsForm(),
        "is_trying": not {"place", "parts"}.isdisjoint(request.GET),
    }
    return render(request, "escalation/guarantee.html", context)


@require_safe
@require_person(roles.may_see_reports)
def show_readiness(request: PersonRequest, slug: str) -> HttpResponse:
    """How far the evidence is and what is missing; one sentence with `?short`."""
    here = stream_page.load_stream_page(request, slug)
    choice = populations.read_population(request, here.stream)
    shown = guarantee_page.build_guarantee_context(here.stream, choice, targets.find_error_target(here.stream))
    found = {
        **shown,
        "progress": guarantee_page.measure_progress(here.stream, choice, shown),
        "stream": here.stream,
        "may_manage": roles.may_manage(request.user),
    }
    name = "short" if "short" in request.GET else "steps"
    return render(request, f"escalation/guarantee/{name}.html", found)


def _report_refusals(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A POST of the guarantee page: refusals are shown as messages on that page."""

    @wraps(view)
    def wrapper(request: PersonRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, slug, *args, **kwargs)
        except preparation.EvaluationRefused as refused:
            messages.warning(request, describe.describe_refusal(refused.reason, refused.params))
        except Invalid as invalid:
            messages.error(request, str(invalid))
        return redirect("guarantee", slug)

    return wrapper


@require_POST
@require_person(roles.may_manage)
@_report_refusals
def set_error_target(request: PersonRequest, slug: str) -> HttpResponse:
    """Set the error target."""
    here = stream_page.load_stream_page(request, slug)
    form = ErrorTargetForm(request.POST, groupings=targets.list_groupings(here.stream))
    if not form.is_valid():
        raise Invalid(_first_error(form))
    before = targets.find_error_target(here.stream)
    if before is not None and form.is_outdated(before):
        raise Invalid(_describe_newer_target(before))
    if before is not None and form.changes(before) and (asking := _ask_before_new_target(request, here)):
        return asking
    targets.set_error_target(stream=here.stream, actor=log.user_actor(request.user), **form.target_arguments())
    messages.success(request, _("Error target saved. The next evaluation uses it."))
    return redirect("guarantee", slug)


@require_safe
@require_person(roles.may_see_reports)
def show_evidence(request: PersonRequest, slug: str, evaluation_id: int) -> HttpResponse:
    """One evaluation for readers outside the team: the guarantee, data, method and assumptions; or its data as JSON."""
    here = stream_page.load_stream_page(request, slug)
    evaluation = _find_evaluation(here, evaluation_id)
    if request.GET.get("format") == "json":
        return JsonResponse(export_evaluation(evaluation))
    since, until = evaluations.find_window_times(evaluation)
    groups, current = group_results.parse_group_results(evaluation), guarantees.find_latest_guarantee(here.stream)
    context = {
        **stream_page.build_page_context(request, here, tab="guarantee"),
        "evaluation": evaluation,
        "groups": summary.explain_groups(groups),
        "certified": group_results.list_certified_groups(groups),
        "together": evaluation.target.groups == ErrorTarget.Grouping.TOGETHER,
        "ways": {group.way for group in groups if group.threshold is not None},
        "refusal": describe.describe_refusal(evaluation.refusal, evaluation.params) if evaluation.refusal else "",
        "since": since,
        "until": until,
        "versions": evaluation.evidence.select_related("policy").order_by("policy__number"),
        "guarantee": current if current is not None and current.evaluation.pk == evaluation.pk else None,
    }
    return render(request, "escalation/evidence.html", context)


@require_POST
@require_person(roles.may_manage)
@_report_refusals
def propose_certified_policy(request: PersonRequest, slug: str, evaluation_id: int) -> HttpResponse:
    """Create a policy version from what an evaluation found, with it as evidence."""
    here = stream_page.load_stream_page(request, slug)
    made = guarantees.propose_certified_policy(
        evaluation=_find_evaluation(here, evaluation_id),
        actor=log.user_actor(request.user),
        reason=request.POST.get("reason", "").strip()[:400],
    )
    (messages.success if made.active else messages.warning)(request, made.sentence)
    return redirect("policy", slug, made.policy.number)


@require_POST
@require_person(roles.may_manage)
@_report_refusals
def add_test_items(request: PersonRequest, slug: str) -> HttpResponse:
    """Add test items to the queue."""
    here = stream_page.load_stream_page(request, slug)
    form = TestItemsForm(request.POST)
    if not form.is_valid():
        raise Invalid(_first_error(form))
    actor, examples = log.user_actor(request.user), form.cleaned_data["examples"]
    if asking := _ask_before_test_items(request, here, len(examples) or form.cleaned_data["count"]):
        return asking
    if examples:
        made = mix_in.mix_in_examples(stream=here.stream, known=examples, actor=actor)
    else:
        made = mix_in.mix_in_past_errors(stream=here.stream, count=form.cleaned_data["count"], actor=actor)
    message = ngettext("%(number)s test item added.", "%(number)s test items added.", len(made))
    messages.success(request, message % {"number": len(made)})
    return redirect("guarantee", slug)


def _describe_newer_target(target: ErrorTarget) -> str:
    return _(
        "%(who)s changed the error target at %(time)s, while you had this page open. Nothing was saved. Check the "
        "target, and change it again if you still want to."
    ) % {"who": history.describe_actor(target.set_by), "time": date_format(localtime(target.set_at), "H:i")}


def _ask_before_new_target(request: PersonRequest, here: StreamPage) -> HttpResponse | None:
    return ask_first(
        request,
        question=_("Replace the error target of %(stream)s?") % {"stream": here.stream.title},
        detail=_(
            "The new target starts without evidence: audits of outputs received before it no longer count towards it, "
            "and the earlier target cannot be taken up again where it was. A guarantee in force stays until it ends."
        ),
        button=_("Replace the target of %(stream)s") % {"stream": here.stream.title},
        back=resolve_url("guarantee", here.stream.slug),
    )


def _ask_before_test_items(request: PersonRequest, here: StreamPage, count: int) -> HttpResponse | None:
    number = {"number": count, "stream": here.stream.title}
    return ask_first(
        request,
        question=ngettext(
            "Add %(number)s test item to %(stream)s?", "Add up to %(number)s test items to %(stream)s?", count
        )
        % number,
        detail=_("Reviewers work on them like on any other item. They cannot be taken out again."),
        button=_("Add to %(stream)s") % number,
        back=resolve_url("guarantee", here.stream.slug),
        danger=False,
    )


def _find_evaluation(here: StreamPage, evaluation_id: int) -> Evaluation:
    found = Evaluation.objects.filter(stream=here.stream, pk=evaluation_id).select_related("target", "stream").first()
    if found is None:
        raise NotFound(_("Stream %(slug)r has no such evaluation.") % {"slug": here.stream.slug})
    return found


def _first_error(form: ErrorTargetForm | TestItemsForm) -> str:
    name, found = next(iter(form.errors.get_json_data().items()))
    label = form.fields[name].label if name in form.fields else ""
    return f"{label}: {found[0]['message']}" if label else str(found[0]["message"])
