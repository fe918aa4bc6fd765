"""What is filled in on the desk and not sent yet, taken in beside it."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpResponse

from reviewqueue.kernel import clock
from reviewqueue.verdicts import drafts
from reviewqueue.views.desk_context import DeskRequest, for_reviewers

# What a form carries beside what the person filled in; `draft_none` names what none is ticked of.
_NON_DRAFT_FIELDS = frozenset({"csrfmiddlewaretoken", "draft_at", "draft_none"})


@for_reviewers
def save_draft(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    """204 once it is kept. Without scripts nobody asks for this: the form then stands as it is until it is sent."""
    fields: dict[str, list[str]] = {name: [] for name in request.POST.getlist("draft_none")}
    fields |= {name: values for name, values in request.POST.lists() if name not in _NON_DRAFT_FIELDS}
    drafts.save_draft(
        claim_id=claim_id, user=request.user, fields=fields, at=_parse_milliseconds(request.POST.get("draft_at", ""))
    )
    return HttpResponse(status=204)


def _parse_milliseconds(text: str) -> datetime | None:
    """When the page says that it was written, in milliseconds: a hint, so nonsense is no moment."""
    return clock.from_milliseconds(int(text)) if text.isascii() and text.isdigit() and len(text) < 15 else None
