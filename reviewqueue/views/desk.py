"""The review desk: one item at a time, and every answer brings the next.

Each form is a real one: it posts and is redirected. With htmx it is answered with the desk itself, the next item
on it and already reserved; a refusal is answered with a notice, so that what the person typed stays where it is.
"""

from __future__ import annotations

from dataclasses import asdict

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from reviewqueue.accounts import roles
from reviewqueue.desk import posted_form, session
from reviewqueue.guidelines import reading
from reviewqueue.http import PersonRequest, for_people
from reviewqueue.queue import reclaim
from reviewqueue.queue.claim import pass_on, renew
from reviewqueue.queue.claim import release as claim_release
from reviewqueue.verdicts import submit
from reviewqueue.views.desk_context import DeskRequest, context_of, for_reviewers, prolong


@require_GET
@never_cache
@for_people(roles.may_review)
def show(request: PersonRequest, slug: str) -> HttpResponse:
    """Looking at the desk reserves an item; looking again shows the same one."""
    prolong(request)
    laid = session.sit_down(user=request.user, slug=slug, claim_id=request.GET.get("claim", ""))
    around = {"queues": session.inbox(request.user), "change": reading.since_known(laid.queue, laid.guidance)}
    return render(request, "reviewqueue/desk.html", context_of(laid) | around)


@require_GET
@never_cache
@for_people(roles.may_review)
def queues(request: PersonRequest, slug: str) -> HttpResponse:
    """The queues beside the desk, counted anew."""
    context = {"queue": roles.queue_for(request.user, slug), "queues": session.inbox(request.user)}
    return render(request, "reviewqueue/desk/queues.html", context)


@for_reviewers
def verdict(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    judgement = posted_form.read(request.POST)
    submit.submit(claim_id=claim_id, user=request.user, slug=slug, **asdict(judgement))
    return _go_on(request, slug)


@for_reviewers
def first_answer(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    """What the person says before the AI's answer is in sight; the answer to it shows that one."""
    told = posted_form.read_first(request.POST)
    submit.answer_first(claim_id=claim_id, user=request.user, slug=slug, **asdict(told))
    return _go_on(request, slug, claim_id=claim_id)


@for_reviewers
def renewal(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    claim = renew(claim_id=claim_id, user=request.user)
    if not request.htmx:
        return redirect(_place(slug, claim_id))
    context = {"claim": claim, "remaining": session.remaining(claim)}
    return render(request, "reviewqueue/desk/reservation.html", context)


@for_reviewers
def passing(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    pass_on(claim_id=claim_id, user=request.user, reason=posted_form.read_pass(request.POST))
    return _go_on(request, slug)


@for_reviewers
def release(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    claim_release(claim_id=claim_id, user=request.user)
    return redirect("inbox")


@for_reviewers
def retake(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    """The item of a reservation that ran out, once more."""
    claim = reclaim.take_again(claim_id=claim_id, user=request.user, slug=slug)
    return _go_on(request, slug, claim_id=claim.id)


@for_reviewers
def undo(request: DeskRequest, slug: str, verdict_id: int) -> HttpResponse:
    claim = submit.undo(verdict_id=verdict_id, user=request.user, slug=slug)
    return _go_on(request, slug, claim_id=claim.id)


def _go_on(request: DeskRequest, slug: str, *, claim_id: str = "") -> HttpResponse:
    if not request.htmx:
        return redirect(_place(slug, claim_id))
    laid = session.sit_down(user=request.user, slug=slug, claim_id=claim_id)
    return render(request, "reviewqueue/desk.html#desk", context_of(laid))


def _place(slug: str, claim_id: str) -> str:
    return reverse("desk", args=[slug], query={"claim": claim_id} if claim_id else None)
