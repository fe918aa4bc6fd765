"""The emergency stop: one person stops, two resume."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from escalation.models import Stop, Stream
from escalation.routing.stop import NotStopped, confirm_resume, request_resume, stop_stream
from escalation.views import stream_page
from reviewqueue.accounts import roles
from reviewqueue.accounts.roles import Forbidden
from reviewqueue.activity import log
from reviewqueue.http import PersonRequest, ask_first, require_person
from reviewqueue.kernel.errors import DomainError


@require_POST
@require_person(roles.may_manage)
def stop_automation(request: PersonRequest, slug: str | None = None) -> HttpResponse:
    """Stop automation: every output goes to review from now on."""
    stream = _find_stream(request, slug)
    asking = ask_first(
        request,
        question=_("Stop %(stream)s?") % {"stream": stream.title} if stream else _("Stop all streams?"),
        detail=_("Every output goes to review from now on. Resuming takes two people."),
        button=_("Stop %(stream)s") % {"stream": stream.title} if stream else _("Stop all streams"),
        back=_back_url(slug),
    )
    if asking:
        return asking
    stop_stream(stream=stream, by=log.user_actor(request.user), reason=_read_reason(request))
    messages.warning(request, _("Stopped. Every output goes to review until two people resume automation."))
    return _redirect_back(slug)


@require_POST
@require_person(roles.may_manage)
def post_resume_request(request: PersonRequest, slug: str | None = None) -> HttpResponse:
    """Ask to resume, as the first of two people."""
    standing = _find_standing_stop(_find_stream(request, slug))
    try:
        request_resume(stop=standing, by=log.user_actor(request.user), reason=_read_reason(request))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.info(request, _("Asked to resume. Automation resumes when another manager confirms."))
    return _redirect_back(slug)


@require_POST
@require_person(roles.may_manage)
def resume_automation(request: PersonRequest, slug: str | None = None) -> HttpResponse:
    """Confirm resuming, as the second of two people."""
    standing = _find_standing_stop(_find_stream(request, slug))
    try:
        confirm_resume(stop=standing, by=log.user_actor(request.user))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Automation resumed."))
    return _redirect_back(slug)


def _find_stream(request: PersonRequest, slug: str | None) -> Stream | None:
    """The stream, or None for all streams, which takes a member of all of them."""
    if slug is not None:
        return stream_page.load_stream_page(request, slug).stream
    if not roles.has_all_queues(request.user):
        raise Forbidden(_("Only managers of all streams can stop all streams."))
    return None


def _find_standing_stop(stream: Stream | None) -> Stop:
    standing = Stop.objects.active().filter(stream=stream).select_related("stream").first()
    if standing is None:
        raise NotStopped(_("Automation has already been resumed."))
    return standing


def _read_reason(request: PersonRequest) -> str:
    return request.POST.get("reason", "").strip()[:400]


def _redirect_back(slug: str | None) -> HttpResponse:
    return redirect(_back_url(slug))


def _back_url(slug: str | None) -> str:
    return resolve_url("overview") if slug is None else resolve_url("stream", slug)
