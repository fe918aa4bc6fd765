"""What one decided, to be read again: nobody else's, and nothing is changed here."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from reviewqueue import content
from reviewqueue.accounts import roles
from reviewqueue.desk import session
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.reports import history
from reviewqueue.verdicts import wording


@require_GET
@never_cache
@require_person(roles.may_review)
def list_decisions(request: PersonRequest, slug: str) -> HttpResponse:
    """The person's latest verdicts, in whichever queue; the slug is where they come from and go back to."""
    queue = roles.queue_for(request.user, slug)
    context = {"queue": queue, "decided": session.list_older_verdicts(request.user)}
    return render(request, "reviewqueue/past/decisions.html", context)


@require_GET
@never_cache
@require_person(roles.may_review)
def show_decision(request: PersonRequest, slug: str, verdict_id: int) -> HttpResponse:
    """One verdict with the content that it was about, as it was shown."""
    found = history.get_verdict_detail(user=request.user, slug=slug, verdict_id=verdict_id)
    verdict, shown, settled = found.verdict, found.shown, found.settled
    proposal = shown.proposal if shown and not found.withheld else None
    first = wording.describe_verdict(found.first_kind, verdict.first_answer) if found.first_kind else ""
    context = {
        "queue": verdict.item.queue,
        "found": found,
        "verdict": verdict,
        "blocks": content.build_blocks(shown.input, shown.display, proposal=proposal) if shown else [],
        "facts": content.list_facts(shown.context) if shown else [],
        "said": wording.describe_verdict(verdict.kind, verdict.answer),
        "first": first,
        "reason": wording.describe_reason(verdict.kind, verdict.reason),
        "settled": wording.describe_outcome(settled.outcome, settled.answer) if settled else "",
    }
    return render(request, "reviewqueue/past/decision.html", context)
