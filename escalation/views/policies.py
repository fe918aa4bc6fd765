"""Policy versions: what each says, how it differs, making one, and the second person who approves it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from escalation.forms.policies import PolicyForm, initial_of
from escalation.guarantees import guarantees, thresholds
from escalation.models import Activation, Attempt, Evidence, Policy
from escalation.policies import describe, versions
from escalation.policies.spec import Policy as Spec
from escalation.policies.versions import Active
from escalation.views import replays, stream_page
from escalation.views.stream_page import Scope
from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.http import PersonRequest, for_people
from reviewqueue.kernel.errors import DomainError, Invalid, NotFound

LATEST = 100


@require_GET
@for_people(roles.may_see_reports)
def index(request: PersonRequest, slug: str) -> HttpResponse:
    """The versions, newest first, and every activation."""
    here = stream_page.of(request, slug)
    current = versions.active(here.stream)
    context = {
        **stream_page.shell(request, here, tab="policies"),
        "versions": Policy.objects.filter(stream=here.stream)
        .prefetch_related("activations", "evidence__attempt__target")
        .order_by("-number")[:LATEST],
        "active": current.number if current else None,
        "activations": _activations(here)[:LATEST],
    }
    return render(request, "escalation/policies.html", context)


@require_GET
@for_people(roles.may_see_reports)
def policy(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    """What one version says, and what it would change."""
    here = stream_page.of(request, slug)
    version = _version(here, number)
    current = versions.active(here.stream)
    spec = versions.spec_of(version)
    in_effect = current is not None and current.policy_id == version.pk
    asked = versions.asked_for(version)
    context = {
        **stream_page.shell(request, here, tab="policies"),
        "version": version,
        "clauses": describe.clauses(spec),
        "active": current,
        "in_effect": in_effect,
        **_changes(version, spec, None if in_effect else current),
        "activations": _activations(here).filter(policy=version),
        "needs_approval": not in_effect and versions.needs_approval(here.stream, spec),
        "asked": asked,
        "mine": asked is not None and asked.asked_by == log.user_actor(request.user),
        "evidence": _evidence(version),
        "place": _place(spec),
        **replays.context(request, version),
    }
    return render(request, "escalation/policy.html", context)


@require_http_methods(["GET", "POST"])
@for_people(roles.may_manage)
def new(request: PersonRequest, slug: str) -> HttpResponse:
    """Say what decides from now on, starting from what decides today."""
    here = stream_page.of(request, slug)
    current = versions.active(here.stream)
    form = PolicyForm(request.POST or None, initial=initial_of(current.spec if current else Spec(threshold=0.9)))
    if request.method == "POST" and form.is_valid() and (made := _proposed(request, here, form)):
        (messages.success if made.active else messages.warning)(request, made.sentence)
        return redirect("policy", slug, made.policy.number)
    context = {**stream_page.shell(request, here, tab="policies"), "form": form, "active": current}
    return render(request, "escalation/policy_form.html", context)


@require_POST
@for_people(roles.may_manage)
def proposal(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    """Ask for a version that is there already, so that another manager can approve it."""
    version = _version(stream_page.of(request, slug), number)
    versions.ask(policy=version, by=log.user_actor(request.user), reason=_reason(request))
    messages.success(request, _("You ask for version %(number)s. Another manager can approve it.") % {"number": number})
    return redirect("policy", slug, number)


@require_POST
@for_people(roles.may_manage)
def activation(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    """Put a version into effect: alone where it sends more to people, else as the second person."""
    version = _version(stream_page.of(request, slug), number)
    me = log.user_actor(request.user)
    reason = _reason(request)
    try:
        if versions.needs_approval(version.stream, versions.spec_of(version)):
            versions.approve(policy=version, by=me, reason=reason)
        else:
            versions.activate(policy=version, by=me, reason=reason)
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Version %(number)s is in effect.") % {"number": number})
    return redirect("policy", slug, number)


def _place(spec: Spec) -> int | None:
    """Where the version's threshold lies on the slider; None where there is more than one."""
    if spec.threshold is None or spec.thresholds or spec.segments:
        return None
    return thresholds.at_or_above(spec.threshold)


def _reason(request: PersonRequest) -> str:
    return request.POST.get("reason", "").strip()[:400]


def _proposed(request: PersonRequest, here: Scope, form: PolicyForm) -> versions.Proposed | None:
    """What became of the version; what the domain refuses stands in the form."""
    try:
        return versions.propose(
            stream=here.stream,
            spec=versions.checked(form.spec()),
            actor=log.user_actor(request.user),
            reason=form.cleaned_data["reason"],
        )
    except Invalid as refusal:
        form.add_errors(refusal.errors or [{"pointer": "", "detail": str(refusal)}])
        return None


def _version(here: Scope, number: int) -> Policy:
    version = Policy.objects.filter(stream=here.stream, number=number).select_related("stream").first()
    if version is None:
        raise NotFound(_("There is no version %(number)s of this stream's policy.") % {"number": number})
    return version


def _activations(here: Scope) -> QuerySet[Activation]:
    return Activation.objects.filter(stream=here.stream).select_related("policy").order_by("-effective_at", "-id")


def _changes(version: Policy, spec: Spec, current: Active | None) -> dict[str, Any]:
    """What it would change against the version in effect; where it is that one, what it changed when it came."""
    if current is not None:
        return {"against": current.number, "changes": describe.changes(current.spec, spec)}
    before = versions.before(version)
    if before is None:
        return {"against": None, "changes": []}
    return {"against": before.number, "changes": describe.changes(versions.spec_of(before), spec)}


def _evidence(version: Policy) -> list[tuple[Attempt, str]]:
    """The looks that it was made from, the latest first, and why each would not hold any more."""
    rows = Evidence.objects.filter(policy=version)
    rows = rows.select_related("attempt__target", "attempt__stream", "attempt__ending")
    return [(row.attempt, guarantees.ended(row.attempt)) for row in rows.order_by("-pk")]
