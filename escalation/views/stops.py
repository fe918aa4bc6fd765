"""The emergency stop: one person stops, two resume."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from escalation.models import Stop, Stream
from escalation.routing.stop import NotStopped
from escalation.routing.stop import confirm_resume as stop_resume
from escalation.routing.stop import request_resume as stop_request_resume
from escalation.routing.stop import stop_stream as stop_stop
from escalation.views import stream_page
from reviewqueue.accounts import roles
from reviewqueue.accounts.roles import Forbidden
from reviewqueue.activity import log
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel.errors import DomainError


@require_POST
@require_person(roles.may_manage)
def stop_automation(request: PersonRequest, slug: str | None = None) -> HttpResponse:
    """Nothing goes out without a person from here on."""
    reason = request.POST.get("reason", "").strip()[:400]
    stop_stop(stream=_find_stream(request, slug), by=log.user_actor(request.user), reason=reason)
    messages.warning(request, _("Stopped. Nothing goes out without a person until two people resume it."))
    return _redirect_back(slug)


@require_POST
@require_person(roles.may_manage)
def request_resume(request: PersonRequest, slug: str | None = None) -> HttpResponse:
    """The first of two asks to resume."""
    standing = _find_standing_stop(_find_stream(request, slug))
    try:
        stop_request_resume(stop=standing, by=log.user_actor(request.user))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.info(request, _("Asked. It goes on when another manager resumes it."))
    return _redirect_back(slug)


@require_POST
@require_person(roles.may_manage)
def resume_automation(request: PersonRequest, slug: str | None = None) -> HttpResponse:
    """The second of two resumes."""
    standing = _find_standing_stop(_find_stream(request, slug))
    try:
        stop_resume(stop=standing, by=log.user_actor(request.user))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Resumed."))
    return _redirect_back(slug)


def _find_stream(request: PersonRequest, slug: str | None) -> Stream | None:
    """The stream, or None for all of them, which is for who is everywhere."""
    if slug is not None:
        return stream_page.load_stream_page(request, slug).stream
    if not roles.has_all_queues(request.user):
        raise Forbidden(_("Stopping all streams is for managers of all streams."))
    return None


def _find_standing_stop(stream: Stream | None) -> Stop:
    standing = Stop.objects.active().filter(stream=stream).select_related("stream").first()
    if standing is None:
        raise NotStopped(_("This stop has been lifted already."))
    return standing


def _redirect_back(slug: str | None) -> HttpResponse:
    return redirect("overview") if slug is None else redirect("stream", slug)
