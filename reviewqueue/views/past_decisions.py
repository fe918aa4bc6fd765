"""The user's own past decisions, read-only."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from reviewqueue import content
from reviewqueue.accounts import roles
from reviewqueue.answers import partial
from reviewqueue.desk import session
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.reports import history
from reviewqueue.verdicts import wording


@require_safe
@require_person(roles.may_review)
def list_decisions(request: PersonRequest, slug: str) -> HttpResponse:
    """The user's latest verdicts in all queues; `slug` is the queue whose desk the page links back to."""
    queue = roles.queue_for(request.user, slug)
    context = {"queue": queue, "recent_verdicts": session.list_older_verdicts(request.user)}
    return render(request, "reviewqueue/decisions/list.html", context)


@require_safe
@require_person(roles.may_review)
def show_decision(request: PersonRequest, slug: str, verdict_id: int) -> HttpResponse:
    """One of the user's verdicts with the content as it was shown; of an answer, the fields that were asked for."""
    detail = history.get_verdict_detail(user=request.user, slug=slug, verdict_id=verdict_id)
    verdict, shown, settled = detail.verdict, detail.shown, detail.settled
    proposal = shown.proposal if shown and not detail.withheld else None
    verdict_word = wording.describe_verdict(verdict.kind, verdict.answer, answers_kind=detail.answers_kind)
    if verdict_word == wording.format_answer(verdict.answer):  # an answer that stands there anyway
        verdict_word = ""
    asked = verdict.item.asked or None
    context = {
        "queue": verdict.item.queue,
        "detail": detail,
        "verdict": verdict,
        "answer": partial.narrow(verdict.answer, asked),
        "proposal": partial.narrow(shown.proposal, asked) if shown else None,
        "blocks": content.build_blocks(shown.input, shown.display, proposal=proposal) if shown else [],
        "facts": content.list_facts(shown.context) if shown else [],
        "verdict_word": verdict_word,
        "first_answer_text": _describe_first_answer(detail),
        "reason": wording.describe_reason(verdict.kind, verdict.reason),
        "outcome_text": wording.describe_outcome(
            settled.outcome, partial.narrow(settled.answer, asked), answers_kind=detail.answers_kind
        )
        if settled
        else "",
    }
    return render(request, "reviewqueue/decisions/detail.html", context)


def _describe_first_answer(detail: history.VerdictDetail) -> str:
    """The first answer itself, also one with fields; "" without one."""
    if detail.first_kind is None:
        return ""
    answer = detail.verdict.first_answer
    if answer is None:
        return wording.describe_verdict(detail.first_kind, answers_kind=detail.answers_kind)
    return wording.format_answer(partial.narrow(answer, detail.verdict.item.asked or None))
