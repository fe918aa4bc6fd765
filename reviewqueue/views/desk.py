"""The review desk: one item at a time, and every answer brings the next.

Without JavaScript, each form posts and is redirected. With htmx, the response is the desk with the next item already
reserved; a refusal returns only a notice, so that the reviewer's input stays in place.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import cast

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from reviewqueue.accounts import roles
from reviewqueue.desk import posted_form, session
from reviewqueue.guidelines import reading
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.queue import reclaim
from reviewqueue.queue.claim import release_claim, renew_claim, require_wanted_item
from reviewqueue.queue.lease import ClaimLost, ItemWithdrawn
from reviewqueue.queue.passing import pass_item
from reviewqueue.verdicts import first_answers, submit, undo
from reviewqueue.views.desk_context import DeskRequest, build_context, extend_session, for_reviewers, render_refusal


@require_safe
@require_person(roles.may_review)
def show_desk(request: PersonRequest, slug: str) -> HttpResponse:
    """Opening the desk reserves an item; opening it again shows the same item."""
    extend_session(request)
    state = session.open_desk(user=request.user, slug=slug, claim_id=request.GET.get("claim", ""))
    page_context = {
        "queues": session.list_inbox(request.user),
        "changes": reading.changes_since_read(state.queue, state.guideline),
    }
    return render(request, "reviewqueue/desk.html", build_context(state) | page_context)


@require_safe
@require_person(roles.may_review)
def list_queues(request: PersonRequest, slug: str) -> HttpResponse:
    """The queue list beside the desk, with fresh counts."""
    context = {"queue": roles.queue_for(request.user, slug), "queues": session.list_inbox(request.user)}
    return render(request, "reviewqueue/desk/queues.html", context)


@require_safe
@require_person(roles.may_review)
def watch_item(request: PersonRequest, slug: str, claim_id: str) -> HttpResponse:
    """The page asks now and then whether its item still needs an answer: 204, or the notice that it does not."""
    queue = roles.queue_for(request.user, slug)
    try:
        require_wanted_item(claim_id=claim_id, user=request.user)
    except (ItemWithdrawn, ClaimLost) as refusal:
        return render_refusal(cast("DeskRequest", request), queue.slug, claim_id, refusal)
    return HttpResponse(status=204)


@for_reviewers
def submit_verdict(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    verdict = posted_form.parse_verdict(request.POST)
    submit.submit_verdict(claim_id=claim_id, user=request.user, slug=slug, **asdict(verdict))
    return _show_next(request, slug, done=_("Your decision is recorded."))


@for_reviewers
def submit_first_answer(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    """Record the answer given before the AI's answer is shown.

    The response shows the AI's answer, or the next item if both answers are the same.
    """
    posted = posted_form.parse_first_answer(request.POST)
    claim = first_answers.answer_first(claim_id=claim_id, user=request.user, slug=slug, **asdict(posted))
    if claim is not None:
        return _show_next(request, slug, claim_id=claim.id)
    return _show_next(request, slug, same_answer=True, done=_("Your decision is recorded."))


@for_reviewers
def post_renewal(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    claim = renew_claim(claim_id=claim_id, user=request.user)
    if not request.htmx:
        return redirect(_desk_url(slug, claim_id))
    context = {"claim": claim, "remaining_seconds": session.count_remaining_seconds(claim)}
    return render(request, "reviewqueue/desk/reservation.html", context)


@for_reviewers
def post_pass(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    pass_item(claim_id=claim_id, user=request.user, reason=posted_form.parse_pass_reason(request.POST))
    return _show_next(request, slug, done=_("The item is passed to someone else."))


@for_reviewers
def post_release(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    release_claim(claim_id=claim_id, user=request.user)
    return redirect("inbox")


@for_reviewers
def reclaim_item(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    """Reserve the item of an expired reservation again."""
    claim = reclaim.reclaim_item(claim_id=claim_id, user=request.user, slug=slug)
    return _show_next(request, slug, claim_id=claim.id)


@for_reviewers
def undo_verdict(request: DeskRequest, slug: str, verdict_id: int) -> HttpResponse:
    claim = undo.undo_verdict(verdict_id=verdict_id, user=request.user, slug=slug)
    return _show_next(request, slug, claim_id=claim.id)


def _show_next(
    request: DeskRequest, slug: str, *, claim_id: str = "", same_answer: bool = False, done: str = ""
) -> HttpResponse:
    """The desk with this claim, or the next; `same_answer`: says that the last answer was the AI's, too.

    `done`: what was just done, which an empty desk says: without a next item nothing else would show it.
    """
    if not request.htmx:
        return redirect(_desk_url(slug, claim_id))
    state = session.open_desk(user=request.user, slug=slug, claim_id=claim_id)
    return render(
        request, "reviewqueue/desk.html#desk", build_context(state) | {"same_answer": same_answer, "done": done}
    )


def _desk_url(slug: str, claim_id: str) -> str:
    return reverse("desk", args=[slug], query={"claim": claim_id} if claim_id else None)
