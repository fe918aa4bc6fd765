"""What one decided, to be read again: nobody else's, and nothing is changed here."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from reviewqueue import content
from reviewqueue.accounts import roles
from reviewqueue.desk import session
from reviewqueue.http import PersonRequest, for_people
from reviewqueue.reports import history
from reviewqueue.verdicts import wording


@require_GET
@never_cache
@for_people(roles.may_review)
def decisions(request: PersonRequest, slug: str) -> HttpResponse:
    """The person's latest verdicts, in whichever queue; the slug is where they come from and go back to."""
    queue = roles.queue_for(request.user, slug)
    context = {"queue": queue, "decided": session.decided_before(request.user)}
    return render(request, "reviewqueue/past/decisions.html", context)


@require_GET
@never_cache
@for_people(roles.may_review)
def decision(request: PersonRequest, slug: str, verdict_id: int) -> HttpResponse:
    """One verdict with the content that it was about, as it was shown."""
    found = history.decision(user=request.user, slug=slug, verdict_id=verdict_id)
    verdict, shown, settled = found.verdict, found.shown, found.settled
    proposal = shown.proposal if shown and not found.withheld else None
    first = wording.said(found.first_kind, verdict.first_answer) if found.first_kind else ""
    context = {
        "queue": verdict.item.queue,
        "found": found,
        "verdict": verdict,
        "blocks": content.blocks(shown.input, shown.display, proposal=proposal) if shown else [],
        "facts": content.facts(shown.context) if shown else [],
        "said": wording.said(verdict.kind, verdict.answer),
        "first": first,
        "reason": wording.reason(verdict.kind, verdict.reason),
        "settled": wording.settled(settled.outcome, settled.answer) if settled else "",
    }
    return render(request, "reviewqueue/past/decision.html", context)
