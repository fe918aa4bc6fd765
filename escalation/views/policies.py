"""Policy versions: listing, comparing, creating, and approving them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from escalation.guarantees import guarantees, lost_evidence, thresholds
from escalation.models import Activation, Evaluation, Evidence, Policy
from escalation.policies import approvals, describe, fit, versions
from escalation.policies.spec import PolicySpec
from escalation.policies.versions import ActivePolicy
from escalation.views import replays, stream_page
from escalation.views.stream_page import StreamPage
from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel.errors import DomainError, NotFound

MAX_LISTED_VERSIONS = 100


@require_safe
@require_person(roles.may_see_reports)
def list_policies(request: PersonRequest, slug: str) -> HttpResponse:
    """The versions, newest first, and every activation."""
    here = stream_page.load_stream_page(request, slug)
    current = versions.find_active_policy(here.stream)
    context = {
        **stream_page.build_page_context(request, here, tab="policies"),
        "versions": Policy.objects.filter(stream=here.stream)
        .prefetch_related("activations", "evidence__evaluation__target")
        .order_by("-number")[:MAX_LISTED_VERSIONS],
        "active": current.number if current else None,
        "activations": _list_activations(here)[:MAX_LISTED_VERSIONS],
    }
    return render(request, "escalation/policies.html", context)


@require_safe
@require_person(roles.may_see_reports)
def show_policy(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    """One version: its clauses, its changes, its evidence."""
    here = stream_page.load_stream_page(request, slug)
    version = _find_version(here, number)
    current = versions.find_active_policy(here.stream)
    spec = versions.spec_of(version)
    in_effect = current is not None and current.policy_id == version.pk
    outdated = versions.is_outdated(version)
    needs_approval = not in_effect and not outdated and versions.needs_approval(here.stream, spec)
    asked = versions.find_approval_request(version)
    context = {
        **stream_page.build_page_context(request, here, tab="policies"),
        "version": version,
        "default_costs": not spec.costs.are_set,
        "clauses": describe.describe_policy(spec),
        "active": current,
        "in_effect": in_effect,
        **_describe_changes(version, spec, None if in_effect else current),
        "activations": _list_activations(here).filter(policy=version),
        "outdated": outdated,
        "misfits": [] if outdated else fit.list_misfits(spec, here.stream),
        "needs_approval": needs_approval,
        "asked": asked,
        "loss": None if in_effect or outdated else lost_evidence.measure_evidence_loss(here.stream, spec),
        "declined": None if in_effect or asked else approvals.find_last_decline(version),
        "mine": asked is not None and asked.asked_by == log.user_actor(request.user),
        "evidence": _list_evidence(version),
        "threshold_index": _find_threshold_index(spec),
        # The second person sees what the version would have done, without having to ask.
        **replays.build_replay_context(request, version, shown=needs_approval),
    }
    return render(request, "escalation/policy.html", context)


@require_POST
@require_person(roles.may_manage)
def request_approval(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    """Request approval of an existing version from another manager."""
    done = _("Approval of version %(number)s requested. Another manager can approve it now.")
    return _act_on_version(request, slug, number, versions.request_approval, done)


@require_POST
@require_person(roles.may_manage)
def decline_policy(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    """Decline the approval request of a version; its author withdraws it."""
    done = _("The approval request for version %(number)s is closed. It can be made again.")
    return _act_on_version(request, slug, number, versions.decline_version, done)


@require_POST
@require_person(roles.may_manage)
def activate_policy(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    """Activate a version: directly if it sends more to review, otherwise as the approving second person."""
    return _act_on_version(request, slug, number, _approve_or_activate, _("Version %(number)s is in effect."))


def _act_on_version(
    request: PersonRequest, slug: str, number: int, act: Callable[..., object], done: str
) -> HttpResponse:
    """Do it in this person's name for their reason, and lead back to the version; `done` says what was done."""
    version = _find_version(stream_page.load_stream_page(request, slug), number)
    try:
        act(policy=version, by=log.user_actor(request.user), reason=_read_reason(request))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done % {"number": number})
    return redirect("policy", slug, number)


def _approve_or_activate(*, policy: Policy, by: str, reason: str) -> None:
    if versions.needs_approval(policy.stream, versions.spec_of(policy)):
        versions.approve_version(policy=policy, by=by, reason=reason)
    else:
        versions.activate_version(policy=policy, by=by, reason=reason)


def _find_threshold_index(spec: PolicySpec) -> int | None:
    """The slider position of the version's threshold; None if it has several or none."""
    if spec.threshold is None or spec.thresholds or spec.segments:
        return None
    return thresholds.find_threshold_index(spec.threshold)


def _read_reason(request: PersonRequest) -> str:
    return request.POST.get("reason", "").strip()[:400]


def _find_version(here: StreamPage, number: int) -> Policy:
    version = Policy.objects.filter(stream=here.stream, number=number).select_related("stream").first()
    if version is None:
        raise NotFound(_("This stream's policy has no version %(number)s.") % {"number": number})
    return version


def _list_activations(here: StreamPage) -> QuerySet[Activation]:
    return Activation.objects.filter(stream=here.stream).select_related("policy").order_by("-effective_at", "-id")


def _describe_changes(version: Policy, spec: PolicySpec, current: ActivePolicy | None) -> dict[str, Any]:
    """Changes against the version in effect (`current`); without one, against the previous version."""
    before = versions.find_previous_version(version) if current is None else None
    if current is not None:
        number, earlier, schema_number = current.number, current.spec, current.schema_number
    elif before is not None:
        number, earlier, schema_number = before.number, versions.spec_of(before), before.schema_number
    else:
        return {"against": None, "changes": []}
    changes = describe.describe_changes(earlier, spec)
    if schema_number != version.schema_number:
        forms = (fit.get_form(version.stream, one) for one in (schema_number, version.schema_number))
        changes = [describe.describe_form_change(*forms), *changes]
    return {"against": number, "changes": changes}


def _list_evidence(version: Policy) -> list[tuple[Evaluation, str]]:
    """Its evaluations, newest first, each with the reason why it no longer holds (empty if it does)."""
    rows = Evidence.objects.filter(policy=version)
    rows = rows.select_related("evaluation__target", "evaluation__stream", "evaluation__ending")
    return [(row.evaluation, guarantees.find_end_reason(row.evaluation)) for row in rows.order_by("-pk")]
