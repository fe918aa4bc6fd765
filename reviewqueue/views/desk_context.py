"""What all of the desk's views share: its template's context, and how a refusal is told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import wraps
from typing import Any, Concatenate, cast

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django_htmx.middleware import HtmxDetails

from reviewqueue.accounts import preferences, roles
from reviewqueue.accounts.keyboard import Keymap
from reviewqueue.desk import layout, posted_form, session
from reviewqueue.desk.structured import codec
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import DomainError, NotFound
from reviewqueue.models import User
from reviewqueue.queue import lease, reclaim
from reviewqueue.queue.claim import TooManyClaims
from reviewqueue.queue.claim_view import Claim

# After these the claim that was named is gone for good: what is left to do is to go on.
_CLAIM_LOST_CODES = frozenset({"claim_lost", "item_withdrawn", "verdict_exists"})
# After these perhaps not for good: the same item may be taken again.
_RECLAIMABLE_CODES = frozenset({lease.ClaimLost.code, TooManyClaims.code})
# Whoever is at work stays signed in: their session's end is moved this often, not at every answer.
_EXTEND_EVERY_SECONDS = 3600


class DeskRequest(PersonRequest):
    """A reviewer's request, perhaps one that only wants a part of the page."""

    htmx: HtmxDetails


type DeskView[**P] = Callable[Concatenate[DeskRequest, str, P], HttpResponse]


def for_reviewers[**P](view: DeskView[P]) -> Callable[Concatenate[HttpRequest, str, P], HttpResponse]:
    """A view that changes something at the desk of a queue: POST only, and its refusals become notices."""

    @wraps(view)
    def told(request: PersonRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        asked = cast("DeskRequest", request)
        extend_session(request)
        try:
            return view(asked, slug, *args, **kwargs)
        except (NotFound, roles.Forbidden):
            raise
        except DomainError as refusal:
            return _render_refusal(asked, slug, str(kwargs.get("claim_id", "")), refusal)

    # mypy takes the DeskRequest of `wraps` for a narrower argument; `told` takes any person's request.
    signature = Callable[Concatenate[PersonRequest, str, P], HttpResponse]
    guarded = require_person(roles.may_review)(cast("signature", told))

    @require_POST
    @never_cache
    def entered(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not isinstance(request.user, User) and cast("DeskRequest", request).htmx:
            return _render_signed_out(cast("DeskRequest", request), slug)
        return guarded(request, slug, *args, **kwargs)

    return cast("Callable[Concatenate[HttpRequest, str, P], HttpResponse]", entered)


def extend_session(request: HttpRequest) -> None:
    """Whoever is at the desk stays signed in: saving a session moves its end."""
    if time.time() - request.session.get("prolonged", 0) > _EXTEND_EVERY_SECONDS:
        request.session["prolonged"] = int(time.time())


def build_context(
    laid: session.DeskState, *, draft: QueryDict | None = None, errors: Sequence[dict[str, str]] = ()
) -> dict[str, Any]:
    """What the desk's template needs; `draft` is what was typed, and `errors` what was wrong with it."""
    keys = Keymap(laid.preferences.keys)
    typed = posted_form.parse_typed_input(draft, errors) if draft else None
    return {
        "queue": laid.queue,
        "claim": laid.claim,
        "sheet": layout.build_layout(laid.claim, typed, keys=keys) if laid.claim else None,
        "judge_url": _submit_url(laid.queue.slug, laid.claim) if laid.claim else "",
        "due": laid.deadline,
        "remaining": laid.remaining,
        "reserved_for": laid.reserved_for,
        "guideline": laid.guidance,
        "decided": laid.recent_verdicts,
        "draft": draft or _restored_remarks(laid),
        "kept": _draft_context(laid),
        "keys": keys,
        "wishes": laid.preferences,
    }


def _restored_remarks(laid: session.DeskState) -> dict[str, Any]:
    """What the person said beside an answer that they took back, or have not sent yet; the page shows it by itself."""
    undone = laid.claim.undone if laid.claim else None
    return (asdict(undone) if undone else {}) | (laid.draft.remarks() if laid.draft else {})


def _draft_context(laid: session.DeskState) -> dict[str, Any]:
    """Their draft for the page's script, which also has one of its own; times in milliseconds, to tell the newer."""
    draft = laid.draft
    return {
        "fields": json.dumps(draft.fields) if draft else "",
        "at": clock.to_milliseconds(draft.saved_at) if draft else 0,
        "now": clock.to_milliseconds(laid.now),
    }


def _submit_url(slug: str, claim: Claim) -> str:
    step = "desk-first-answer" if layout.stage_of(claim) == "first" else "desk-verdict"
    return reverse(step, args=[slug, claim.id])


def _render_refusal(request: DeskRequest, slug: str, claim_id: str, refusal: DomainError) -> HttpResponse:
    """A notice beside what the person typed; without htmx the page again, with their draft in it."""
    errors = getattr(refusal, "errors", [])
    problem = {
        "code": refusal.code,
        "sentence": str(refusal),
        "errors": [_error_context(error) for error in errors],
        "lost": bool(claim_id) and refusal.code in _CLAIM_LOST_CODES,
    }
    if refusal.code in _RECLAIMABLE_CODES and claim_id:
        problem |= _item_availability(claim_id, request.user, refusal)
    if request.htmx:
        return _render_notice(request, slug, problem, status=refusal.status)
    laid = session.reload_desk(user=request.user, slug=slug, claim_id=claim_id)
    context = build_context(laid, draft=request.POST, errors=errors) | {
        "problem": problem,
        "queues": session.list_inbox(request.user),
    }
    return render(request, "reviewqueue/desk.html", context, status=refusal.status)


def _item_availability(claim_id: str, user: User, refusal: DomainError) -> dict[str, Any]:
    """Who has the item now, and the claim by which it can be taken again when nobody has."""
    found = reclaim.get_lost_item_status(claim_id=claim_id, user=user)
    lapsed = refusal.code == lease.ClaimLost.code and not found.closed
    sentence = f"{_('Your reservation ran out.')} {found.message}" if lapsed else str(refusal)
    return {"sentence": sentence, "retake": claim_id if found.free else "", "lost": True}


def _render_signed_out(request: DeskRequest, slug: str) -> HttpResponse:
    sentence = _("You are signed out. Sign in, then come back here: what you typed is still on this page.")
    return _render_notice(request, slug, {"code": "signed_out", "sentence": sentence, "signed_out": True}, status=401)


def _render_notice(request: DeskRequest, slug: str, problem: dict[str, Any], *, status: int) -> HttpResponse:
    context: dict[str, Any] = {"problem": problem, "queue": {"slug": slug}, "draft": {}}
    if problem.get("retake"):
        context["keys"] = preferences.get_keymap(request.user)
    response = render(request, "reviewqueue/desk/notice.html", context, status=status)
    response["HX-Retarget"] = "#notice"
    response["HX-Reswap"] = "innerHTML"
    return response


def _error_context(error: dict[str, str]) -> dict[str, str]:
    """`/answer/lines/0/amount` is `lines 1 amount` to whoever filled in the form; what is no part has no name there."""
    pointer = error["pointer"].removeprefix("/answer")
    steps = codec.split_pointer(pointer) if pointer != error["pointer"] else ()
    words = [str(int(step) + 1) if step.isascii() and step.isdigit() else step for step in steps]
    return {"pointer": pointer, "name": " ".join(words), "detail": error["detail"]}
