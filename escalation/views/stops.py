"""The emergency stop: one person stops, two resume."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from escalation import stops
from escalation.models import Stop, Stream
from escalation.views import scope
from reviewqueue import access, events
from reviewqueue.access import Forbidden
from reviewqueue.http import PersonRequest, for_people
from reviewqueue.problems import DomainError


@require_POST
@for_people(access.may_manage)
def stop(request: PersonRequest, slug: str | None = None) -> HttpResponse:
    """Nothing goes out without a person from here on."""
    reason = request.POST.get("reason", "").strip()[:400]
    stops.stop(stream=_target(request, slug), by=events.user_actor(request.user), reason=reason)
    messages.warning(request, _("Stopped. Nothing goes out without a person until two people resume it."))
    return _back(slug)


@require_POST
@for_people(access.may_manage)
def ask(request: PersonRequest, slug: str | None = None) -> HttpResponse:
    """The first of two asks to resume."""
    standing = _standing(_target(request, slug))
    try:
        stops.ask_to_resume(stop=standing, by=events.user_actor(request.user))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.info(request, _("Asked. It goes on when another manager resumes it."))
    return _back(slug)


@require_POST
@for_people(access.may_manage)
def resume(request: PersonRequest, slug: str | None = None) -> HttpResponse:
    """The second of two resumes."""
    standing = _standing(_target(request, slug))
    try:
        stops.resume(stop=standing, by=events.user_actor(request.user))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Resumed."))
    return _back(slug)


def _target(request: PersonRequest, slug: str | None) -> Stream | None:
    """The stream, or None for all of them, which is for who is everywhere."""
    if slug is not None:
        return scope.of(request, slug).stream
    if not access.is_everywhere(request.user):
        raise Forbidden(_("Stopping all streams is for managers of all streams."))
    return None


def _standing(stream: Stream | None) -> Stop:
    standing = Stop.objects.standing().filter(stream=stream).select_related("stream").first()
    if standing is None:
        raise stops.NotStopped(_("This stop has been lifted already."))
    return standing


def _back(slug: str | None) -> HttpResponse:
    return redirect("overview") if slug is None else redirect("stream", slug)
