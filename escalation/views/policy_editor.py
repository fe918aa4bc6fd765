"""Editing a policy: the form of a new version, and what that version would do, shown while it is edited."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from escalation.forms import text_values
from escalation.forms.policies import SUGGESTED_POLICY, PolicyForm
from escalation.guarantees import guarantees, lost_evidence, thresholds
from escalation.models import Policy
from escalation.policies import fit, versions
from escalation.policies.spec import PolicySpec, list_segment_keys
from escalation.policies.versions import ActivePolicy
from escalation.simulation import policy_effect
from escalation.views import stream_page
from escalation.views.stream_page import StreamPage
from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.answers import schema
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel.errors import Invalid

SAVE_DRAFT = "draft"  # the value of the button that saves a version without asking for its approval
MAX_SUGGESTED_ANSWERS = 200


@require_http_methods(["GET", "HEAD", "POST"])
@require_person(roles.may_manage)
def create_policy(request: PersonRequest, slug: str) -> HttpResponse:
    """Create a version, starting from the one in effect."""
    here = stream_page.load_stream_page(request, slug)
    current = versions.find_active_policy(here.stream)
    form = _build_form(here, current, request.POST or None)
    if request.method == "POST" and form.is_valid() and (saved := _save(request, here, form)):
        return redirect("policy", slug, saved.number)
    context = {
        **stream_page.build_page_context(request, here, tab="policies"),
        "form": form,
        "active": current,
        "first_at_once": current is None and not fit.has_traffic(here.stream),
        "slider_steps": [text_values.format_percent(share) for share in thresholds.THRESHOLDS],
        **_list_suggestions(here, current),
    }
    return render(request, "escalation/policy_form.html", context)


@require_POST
@require_person(roles.may_manage)
def preview_policy(request: PersonRequest, slug: str) -> HttpResponse:
    """What the version in the form would do beside the one in effect, as a fragment; saves nothing."""
    here = stream_page.load_stream_page(request, slug)
    current = versions.find_active_policy(here.stream)
    form = _build_form(here, current, request.POST)
    spec = _validate(form) if form.is_valid() else None
    if spec is None:
        return render(request, "escalation/partials/policy_effect.html", {"stream": here.stream, "form": form})
    return render(request, "escalation/partials/policy_effect.html", _build_effect_context(here, current, spec))


def _build_form(here: StreamPage, current: ActivePolicy | None, data: QueryDict | None) -> PolicyForm:
    answers = fit.get_form(here.stream, here.stream.schema_number)
    return PolicyForm(data, policy=current.spec if current else SUGGESTED_POLICY, answers=answers)


def _build_effect_context(here: StreamPage, current: ActivePolicy | None, spec: PolicySpec) -> dict[str, Any]:
    before = current.spec if current else None
    guarantee = guarantees.find_latest_guarantee(here.stream)
    return {
        "stream": here.stream,
        "active": current,
        "is_unchanged": spec == before,
        "effect": policy_effect.compare_policies(here.stream, before, spec),
        "misfits": fit.list_misfits(spec, here.stream),
        "needs_approval": versions.needs_approval(here.stream, spec),
        "by_label": fit.get_form(here.stream, here.stream.schema_number).has_label_errors,
        "currency": spec.costs.currency,
        "has_costs": spec.costs.are_set,
        "guarantee": guarantee if guarantee is not None and guarantee.holds else None,
        "is_covered": guarantee is not None and guarantees.covers_policy(guarantee, spec),
        "loss": lost_evidence.measure_evidence_loss(here.stream, spec),
    }


def _save(request: PersonRequest, here: StreamPage, form: PolicyForm) -> Policy | None:
    """The saved version; None if it was refused, with the errors added to the form."""
    actor = log.user_actor(request.user)
    try:
        spec = versions.validate_spec(form.spec())
        if request.POST.get("save") == SAVE_DRAFT:
            fit.check_fit(spec, here.stream)
            policy = versions.save_version(stream=here.stream, spec=spec, actor=actor)
            messages.success(request, _("Version %(number)s is saved as a draft.") % {"number": policy.number})
            return policy
        made = versions.propose_version(stream=here.stream, spec=spec, actor=actor, reason=form.cleaned_data["reason"])
    except Invalid as refusal:
        form.add_errors(refusal.errors or [{"pointer": "", "detail": str(refusal)}])
        return None
    (messages.success if made.active else messages.warning)(request, made.sentence)
    return made.policy


def _validate(form: PolicyForm) -> PolicySpec | None:
    """The policy in a valid form; None if it breaks a rule between fields, with the errors added to the form."""
    try:
        return versions.validate_spec(form.spec())
    except Invalid as refusal:
        form.add_errors(refusal.errors or [{"pointer": "", "detail": str(refusal)}])
        return None


def _list_suggestions(here: StreamPage, current: ActivePolicy | None) -> dict[str, list[str]]:
    """What the rows suggest while one types: answers, segment keys, and the fields of conditions."""
    answers = fit.get_form(here.stream, here.stream.schema_number)
    keys = list_segment_keys(current.spec) if current else []
    return {
        "answers": [] if answers.kind == schema.STRUCTURED else list(answers.answers)[:MAX_SUGGESTED_ANSWERS],
        "segment_keys": keys,
        "subjects": ["value", "confidence", "prediction", *(f"segment.{key}" for key in keys)],
    }
