"""API keys: list, create, rotate and revoke."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from reviewqueue.accounts import api_keys, roles
from reviewqueue.forms.keys import ApiKeyForm
from reviewqueue.http import PersonRequest, ask_first, require_person
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import DomainError
from reviewqueue.models import ApiKey
from reviewqueue.views.key_samples import build_sample_command


@require_safe
@require_person(roles.may_see_people)
def list_keys(request: PersonRequest) -> HttpResponse:
    context = {
        "api_keys": api_keys.keys_visible_to(request.user),
        "may_manage": roles.may_manage(request.user),
        "now": clock.current_time(),
    }
    return render(request, "reviewqueue/api_keys.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require_person(roles.may_manage)
def create_key(request: PersonRequest) -> HttpResponse:
    """Create a key; its secret is shown once, on the response page."""
    form = ApiKeyForm(request.POST or None, by=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            key, text = api_keys.create_key(by=request.user, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            return _render_key(request, key, text)
    return render(request, "reviewqueue/api_key_new.html", {"form": form})


@require_POST
@require_person(roles.may_manage)
def rotate_key(request: PersonRequest, key_id: int) -> HttpResponse:
    name = api_keys.replaceable_key_for(request.user, key_id).name
    asking = ask_first(
        request,
        question=_("Replace the API key %(name)s?") % {"name": name},
        detail=_("You get a new key with the same permissions. The old one stops working after 24 hours."),
        button=_("Replace %(name)s") % {"name": name},
        back=resolve_url("keys"),
        danger=False,
    )
    if asking:
        return asking
    key, text = api_keys.rotate_key(key_id=key_id, by=request.user)
    return _render_key(request, key, text)


@require_POST
@require_person(roles.may_manage)
def revoke_key(request: PersonRequest, key_id: int) -> HttpResponse:
    name = api_keys.changeable_key_for(request.user, key_id).name
    asking = ask_first(
        request,
        question=_("Revoke the API key %(name)s?") % {"name": name},
        detail=_("Systems that use it are refused at once. A revoked key cannot be restored."),
        button=_("Revoke %(name)s") % {"name": name},
        back=resolve_url("keys"),
    )
    if asking:
        return asking
    api_keys.revoke_key(key_id=key_id, by=request.user)
    messages.success(request, _("API key revoked."))
    return redirect("keys")


def _render_key(request: PersonRequest, key: ApiKey, text: str) -> HttpResponse:
    """Render the key's secret in the response to the POST, so that it is never stored."""
    slugs = [queue.slug for queue in roles.list_queues(request.user)]
    command = build_sample_command(key, text, origin=f"{request.scheme}://{request.get_host()}", slugs=slugs)
    return render(request, "reviewqueue/api_key_created.html", {"key": key, "text": text, "command": command})
