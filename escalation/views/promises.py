"""What a stream promises: what may go wrong, looking for a threshold that keeps it, trying others, the evidence."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from escalation.forms.promises import TargetForm, TestItemsForm, initial_of
from escalation.guarantees import describe, evaluations, guarantees, population, preparation, summary, targets
from escalation.models import Attempt, TestItem
from escalation.statistics import attempt_delta
from escalation.test_items import mix_in, recall
from escalation.views import stream_page, thresholds
from escalation.views.stream_page import Scope
from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.http import PersonRequest, for_people
from reviewqueue.kernel.errors import Invalid, NotFound

LATEST = 20
AT_ONCE = 100_000  # outputs: past it, the page comes first and what takes a second follows


@require_GET
@for_people(roles.may_see_reports)
def promise(request: PersonRequest, slug: str) -> HttpResponse:
    """The statement, what it would take, and what every threshold would have done."""
    here = stream_page.of(request, slug)
    target = targets.target(here.stream)
    traffic = thresholds.context(request, here, target)
    context = {
        **stream_page.shell(request, here, tab="promise"),
        **traffic,
        "target": target,
        "target_form": TargetForm(initial=initial_of(target)),
        "tests_form": TestItemsForm(),
        "statement": summary.of(here.stream),
        "ready": {"later": True} if traffic and traffic["seen"].outputs > AT_ONCE else _ready(here),
        "attempts": Attempt.objects.filter(stream=here.stream).select_related("target").order_by("-pk")[:LATEST],
        "tests": _tests(here),
    }
    return render(request, "escalation/promise.html", context)


@require_GET
@for_people(roles.may_see_reports)
def outlook(request: PersonRequest, slug: str) -> HttpResponse:
    """Whether somebody could look at the labels, and what it would take; a sentence alone where it is to be short."""
    found = {"ready": _ready(stream_page.of(request, slug)), "short": "short" in request.GET}
    return render(request, "escalation/partials/ready.html", found)


def _refusals_told(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A POST of the promise's page: what the domain refuses is said on that page."""

    @wraps(view)
    def told(request: PersonRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, slug, *args, **kwargs)
        except preparation.Refused as refused:
            messages.warning(request, describe.refusal(refused.reason, refused.params))
        except Invalid as invalid:
            messages.error(request, str(invalid))
        return redirect("promise", slug)

    return told


@require_POST
@for_people(roles.may_manage)
@_refusals_told
def target(request: PersonRequest, slug: str) -> HttpResponse:
    """Say what may go wrong from now on."""
    here = stream_page.of(request, slug)
    form = TargetForm(request.POST)
    if not form.is_valid():
        raise Invalid(_first_error(form))
    targets.set_target(stream=here.stream, actor=log.user_actor(request.user), **form.arguments())
    messages.success(request, _("Said. Every look at the labels from now on is about this."))
    return redirect("promise", slug)


@require_POST
@for_people(roles.may_manage)
@_refusals_told
def look(request: PersonRequest, slug: str) -> HttpResponse:
    """Look at the labels for a threshold that keeps the target."""
    here = stream_page.of(request, slug)
    made = evaluations.look(here.stream, by=log.user_actor(request.user))
    return redirect("evidence", slug, made.pk)


@require_GET
@for_people(roles.may_see_reports)
def evidence(request: PersonRequest, slug: str, attempt_id: int) -> HttpResponse:
    """One look as somebody outside the team can read it: the claim, the data, the method, what it assumes."""
    here = stream_page.of(request, slug)
    attempt = _attempt(here, attempt_id)
    since, until = evaluations.window_of(attempt)
    groups, current = evaluations.groups_of(attempt), guarantees.in_force(here.stream)
    context = {
        **stream_page.shell(request, here, tab="promise"),
        "attempt": attempt,
        "groups": summary.groups(groups),
        "found": evaluations.names_of(groups),
        "claim": describe.promise(attempt.target.max_error, attempt.target.doubt),
        "refusal": describe.refusal(attempt.refusal, attempt.params) if attempt.refusal else "",
        "since": since,
        "until": until,
        "versions": attempt.evidence.select_related("policy").order_by("policy__number"),
        "stated": current if current is not None and current.attempt.pk == attempt.pk else None,
    }
    return render(request, "escalation/evidence.html", context)


@require_POST
@for_people(roles.may_manage)
@_refusals_told
def proposal(request: PersonRequest, slug: str, attempt_id: int) -> HttpResponse:
    """Make a policy version of what a look found, with it as evidence."""
    here = stream_page.of(request, slug)
    made = guarantees.propose(
        attempt=_attempt(here, attempt_id),
        actor=log.user_actor(request.user),
        reason=request.POST.get("reason", "").strip()[:400],
    )
    (messages.success if made.active else messages.warning)(request, made.sentence)
    return redirect("policy", slug, made.policy.number)


@require_POST
@for_people(roles.may_manage)
@_refusals_told
def tests(request: PersonRequest, slug: str) -> HttpResponse:
    """Mix known answers in among the others."""
    here = stream_page.of(request, slug)
    form = TestItemsForm(request.POST)
    if not form.is_valid():
        raise Invalid(_first_error(form))
    actor, examples = log.user_actor(request.user), form.cleaned_data["examples"]
    if examples:
        made = mix_in.mix_in(stream=here.stream, known=examples, actor=actor)
    else:
        made = mix_in.mix_in_past(stream=here.stream, count=form.cleaned_data["count"], actor=actor)
    said = ngettext("%(number)s test item is mixed in.", "%(number)s test items are mixed in.", len(made))
    messages.success(request, said % {"number": len(made)})
    return redirect("promise", slug)


def _ready(here: Scope) -> dict[str, Any]:
    """Whether somebody could look now, at which price, or why not."""
    try:
        ready = preparation.prepare(here.stream)
    except preparation.Refused as refused:
        said = describe.refusal(refused.reason, refused.params)
        return {"refusal": said, "reason": refused.reason, "line": population.of(here.stream)}
    following = attempt_delta(ready.target.doubt, ready.number + 1)
    return {"number": ready.number, "sampled": ready.sample.sampled, "spends": ready.spends, "following": following}


def _tests(here: Scope) -> dict[str, Any]:
    return {
        "mixed_in": TestItem.objects.filter(stream=here.stream).count(),
        "measured": recall.measured(here.stream, delta=0.05),
        "settled": recall.counting(here.stream).count(),
        "least": recall.LEAST,
    }


def _attempt(here: Scope, attempt_id: int) -> Attempt:
    found = Attempt.objects.filter(stream=here.stream, pk=attempt_id).select_related("target", "stream").first()
    if found is None:
        raise NotFound(_("There is no such look at the labels of %(slug)r.") % {"slug": here.stream.slug})
    return found


def _first_error(form: TargetForm | TestItemsForm) -> str:
    name, found = next(iter(form.errors.get_json_data().items()))
    label = form.fields[name].label if name in form.fields else ""
    return f"{label}: {found[0]['message']}" if label else str(found[0]["message"])
