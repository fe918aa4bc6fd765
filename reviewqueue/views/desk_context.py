"""Shared by the desk's views: the template context and how refusals are rendered."""

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
from django.views.decorators.http import require_POST
from django_htmx.middleware import HtmxDetails

from reviewqueue.accounts import preferences, roles
from reviewqueue.accounts.keyboard import Keymap
from reviewqueue.desk import layout, posted_form, session
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import DomainError, NotFound
from reviewqueue.kernel.json_pointer import split_pointer
from reviewqueue.models import User
from reviewqueue.queue import lease, reclaim
from reviewqueue.queue.claim import TooManyClaims
from reviewqueue.queue.claim_view import Claim

# With these codes the claim is gone for good: the reviewer can only go on to the next item.
_CLAIM_LOST_CODES = frozenset({"claim_lost", "item_withdrawn", "verdict_exists"})
# With these codes the reviewer may be able to reserve the same item again.
_RECLAIMABLE_CODES = frozenset({lease.ClaimLost.code, TooManyClaims.code})
# Active reviewers stay signed in: their session is extended at most this often, not with every answer.
_EXTEND_SESSION_SECONDS = 3600


class DeskRequest(PersonRequest):
    """A reviewer's request; htmx requests want only a part of the page."""

    htmx: HtmxDetails


type DeskView[**P] = Callable[Concatenate[DeskRequest, str, P], HttpResponse]


def for_reviewers[**P](view: DeskView[P]) -> Callable[Concatenate[HttpRequest, str, P], HttpResponse]:
    """Wrap a view that changes something at a queue's desk: POST only, refusals become notices."""

    @wraps(view)
    def rendering_refusals(request: PersonRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        desk_request = cast("DeskRequest", request)
        extend_session(request)
        try:
            return view(desk_request, slug, *args, **kwargs)
        except (NotFound, roles.Forbidden):
            raise
        except DomainError as refusal:
            return render_refusal(desk_request, slug, str(kwargs.get("claim_id", "")), refusal)

    # Because of `wraps`, mypy expects a DeskRequest; the wrapper takes any PersonRequest.
    signature = Callable[Concatenate[PersonRequest, str, P], HttpResponse]
    guarded = require_person(roles.may_review)(cast("signature", rendering_refusals))

    @require_POST
    def handling_signed_out(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not isinstance(request.user, User) and cast("DeskRequest", request).htmx:
            return _render_signed_out(cast("DeskRequest", request), slug)
        return guarded(request, slug, *args, **kwargs)

    return cast("Callable[Concatenate[HttpRequest, str, P], HttpResponse]", handling_signed_out)


def extend_session(request: HttpRequest) -> None:
    """Keep an active reviewer signed in: saving the session extends it."""
    if time.time() - request.session.get("prolonged", 0) > _EXTEND_SESSION_SECONDS:
        request.session["prolonged"] = int(time.time())


def build_context(
    state: session.DeskState, *, draft: QueryDict | None = None, errors: Sequence[dict[str, str]] = ()
) -> dict[str, Any]:
    """The desk template's context. `draft` is the refused input, `errors` its validation errors."""
    shortcuts = Keymap(state.preferences.keys)
    typed = posted_form.parse_typed_input(draft, errors) if draft else None
    return {
        "queue": state.queue,
        "claim": state.claim,
        "layout": layout.build_layout(state.claim, typed, keys=shortcuts) if state.claim else None,
        "submit_url": _submit_url(state.queue.slug, state.claim) if state.claim else "",
        "deadline": state.deadline,
        "remaining_seconds": state.remaining_seconds,
        "reserved_seconds": state.reserved_seconds,
        "guideline": state.guideline,
        "recent_verdicts": state.recent_verdicts,
        "draft": draft or _restored_remarks(state),
        "saved_draft": _draft_context(state),
        "shortcuts": shortcuts,
        "preferences": state.preferences,
        "unreviewable": state.unreviewable,
    }


def _restored_remarks(state: session.DeskState) -> dict[str, Any]:
    """The note, reason and error type of an undone verdict or an unsent draft, to fill in again."""
    undone = state.claim.undone if state.claim else None
    return (asdict(undone) if undone else {}) | (state.draft.remarks() if state.draft else {})


def _draft_context(state: session.DeskState) -> dict[str, Any]:
    """The server's draft for the page's script, with times in milliseconds: the script uses the newer draft."""
    draft = state.draft
    return {
        "fields": json.dumps(draft.fields) if draft else "",
        "at": clock.to_milliseconds(draft.saved_at) if draft else 0,
        "now": clock.to_milliseconds(state.now),
    }


def _submit_url(slug: str, claim: Claim) -> str:
    step = "desk-first-answer" if layout.stage_of(claim) == "first" else "desk-verdict"
    return reverse(step, args=[slug, claim.id])


def render_refusal(request: DeskRequest, slug: str, claim_id: str, refusal: DomainError) -> HttpResponse:
    """Render a refusal: a notice for htmx, otherwise the whole page with the reviewer's input."""
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
    state = session.reload_desk(user=request.user, slug=slug, claim_id=claim_id)
    context = build_context(state, draft=request.POST, errors=errors) | {
        "problem": problem,
        "queues": session.list_inbox(request.user),
    }
    return render(request, "reviewqueue/desk.html", context, status=refusal.status)


def _item_availability(claim_id: str, user: User, refusal: DomainError) -> dict[str, Any]:
    """Describe who has the item now; `reclaim` is the claim id to reserve it again with, "" if someone has it."""
    found = reclaim.get_lost_item_status(claim_id=claim_id, user=user)
    lapsed = refusal.code == lease.ClaimLost.code and not found.closed
    sentence = f"{_('Your reservation ran out.')} {found.message}" if lapsed else str(refusal)
    return {"sentence": sentence, "reclaim": claim_id if found.free else "", "lost": True}


def _render_signed_out(request: DeskRequest, slug: str) -> HttpResponse:
    sentence = _("You are signed out. Sign in, then come back to this page: your input is still here.")
    return _render_notice(request, slug, {"code": "signed_out", "sentence": sentence, "signed_out": True}, status=401)


def _render_notice(request: DeskRequest, slug: str, problem: dict[str, Any], *, status: int) -> HttpResponse:
    context: dict[str, Any] = {"problem": problem, "queue": {"slug": slug}, "draft": {}}
    if problem.get("reclaim"):
        context["shortcuts"] = preferences.get_keymap(request.user)
    response = render(request, "reviewqueue/desk/notice.html", context, status=status)
    response["HX-Retarget"] = "#notice"
    response["HX-Reswap"] = "innerHTML"
    return response


def _error_context(error: dict[str, str]) -> dict[str, str]:
    """Name a field as the form shows it: `/answer/lines/0/amount` is `lines 1 amount`; other pointers have no name."""
    pointer = error["pointer"].removeprefix("/answer")
    steps = split_pointer(pointer) if pointer != error["pointer"] else ()
    words = [str(int(step) + 1) if step.isascii() and step.isdigit() else step for step in steps]
    return {"pointer": pointer, "name": " ".join(words), "detail": error["detail"]}
