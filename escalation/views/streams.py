"""Streams: listing, showing, creating and editing them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from escalation.forms.concurrent_edits import add_conflicts, rebase_form
from escalation.forms.streams import (
    NewStreamForm,
    StreamForm,
    StreamSettingsForm,
    build_stored_values,
    build_stream_initial,
)
from escalation.outputs import history
from escalation.policies import describe, fit, versions
from escalation.reports import overview
from escalation.streams import definition
from escalation.streams.definition import AppliedDefinition
from escalation.views import stream_page
from escalation.views.stream_page import StreamPage
from reviewqueue.accounts import roles
from reviewqueue.activity import log
from reviewqueue.facade import facts, queue
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel.errors import Invalid

MAX_RECENT_EVENTS = 12  # events on a stream's page
SETTINGS_VERBS = ("stream.created", "stream.changed", "configured")


@require_safe
@require_person(roles.may_see_reports)
def list_streams(request: PersonRequest) -> HttpResponse:
    """The user's streams."""
    rows = overview.list_stream_overviews([row.slug for row in roles.list_queues(request.user)])
    return render(request, "escalation/streams.html", {"rows": rows, "may_manage": roles.may_manage(request.user)})


@require_safe
@require_person(roles.may_see_reports)
def show_stream(request: PersonRequest, slug: str) -> HttpResponse:
    """A stream's settings, and its policy in plain words."""
    here = stream_page.load_stream_page(request, slug)
    current = versions.find_active_policy(here.stream)
    frame = stream_page.build_page_context(request, here, tab="stream")
    context = {
        **frame,
        "queue": here.queue,
        "form": queue.get_answer_spec(slug=slug, number=here.stream.schema_number),
        "guidelines": facts.guidelines_of(here.stream.slug),
        "members": roles.list_members(slug),
        "active": current,
        "default_costs": current is not None and not current.spec.costs.are_set,
        "clauses": describe.describe_policy(current.spec) if current else [],
        "misfits": fit.list_misfits(current.spec, here.stream) if current and not frame["uncovered"] else [],
        "may_see_people": roles.may_see_people(request.user),
        "events": facts.list_recent_events(
            slug, object_types=("stream", "policy", "stop", "queue"), limit=MAX_RECENT_EVENTS
        ),
    }
    return render(request, "escalation/stream.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require_person(roles.may_manage)
def create_stream(request: PersonRequest) -> HttpResponse:
    """Create a stream; its creator is its first member."""
    form = NewStreamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        slug = form.cleaned_data["slug_name"]
        with transaction.atomic():
            applied = _apply_form(request, form, slug)
            if applied:
                roles.add_membership(slug=slug, user=request.user)
        if applied:
            messages.success(request, _("Stream created. Next, set its policy."))
            return redirect("policy-new", slug)
    return render(request, "escalation/stream_form.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@require_person(roles.may_manage)
def edit_stream(request: PersonRequest, slug: str) -> HttpResponse:
    """Change a stream's settings; routing is set in its policy."""
    here = stream_page.load_stream_page(request, slug)
    if request.method == "POST":
        form, applied = _save_settings(request, slug)
        if applied is not None:
            _announce_saved(request, applied)
            return redirect("stream", slug)
    else:
        form = _build_settings_form(here)
    context = {**stream_page.build_page_context(request, here, tab="stream"), "form": form}
    return render(request, "escalation/stream_form.html", context)


def _save_settings(request: PersonRequest, slug: str) -> tuple[StreamSettingsForm, AppliedDefinition | None]:
    """The posted form, and its applied definition; None if it was refused, with the errors added to the form."""
    with transaction.atomic():
        # Two people who save at once: the second one waits here, and then sees what the first one saved.
        queue.lock_settings(slug)
        here = stream_page.load_stream_page(request, slug)
        rebased = rebase_form(request.POST, _build_settings_form(here))
        form = _build_settings_form(here, rebased.data)
        valid = form.is_valid()
        if rebased.saved_since:
            who, at = _find_last_editor(slug)
            add_conflicts(form, rebased, who=who, at=at)
        applied = _apply_form(request, form, slug) if valid and not rebased.saved_since else None
    return form, applied


def _find_last_editor(slug: str) -> tuple[str, datetime]:
    """Who saved the settings last, and when."""
    last = facts.list_recent_events(slug, object_types=("stream", "queue"), verbs=SETTINGS_VERBS, limit=1)[0]
    return history.describe_actor(last.actor), last.at


def _build_settings_form(here: StreamPage, data: QueryDict | None = None) -> StreamSettingsForm:
    settings = _load_settings(here)
    return StreamSettingsForm(data, initial=build_stream_initial(**settings), stored=build_stored_values(**settings))


def _announce_saved(request: PersonRequest, applied: AppliedDefinition) -> None:
    messages.success(request, _("Saved."))
    if applied.proposed is not None:
        # The answers changed, so the policy in effect was carried over, or waits for its second person.
        tell = messages.success if applied.proposed.active else messages.warning
        tell(request, applied.proposed.sentence)


def _apply_form(request: PersonRequest, form: StreamForm, slug: str) -> AppliedDefinition | None:
    """The applied definition; None if it was refused, with the errors added to the form."""
    try:
        with transaction.atomic():
            return definition.apply_definition(form.description(slug), actor=log.user_actor(request.user))
    except Invalid as refusal:
        form.add_errors(refusal)
        return None


def _load_settings(here: StreamPage) -> dict[str, Any]:
    return {
        "stream": here.stream,
        "queue": here.queue,
        "guidelines": facts.guidelines_of(here.stream.slug),
        "form": queue.get_answer_spec(slug=here.stream.slug, number=here.stream.schema_number),
    }
