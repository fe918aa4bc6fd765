"""Saves drafts: input on the desk that has not been submitted yet."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpResponse

from reviewqueue.kernel import clock
from reviewqueue.verdicts import drafts
from reviewqueue.views.desk_context import DeskRequest, for_reviewers

# Fields that are not the reviewer's input; `draft_none` names checkbox groups with nothing ticked.
_NON_DRAFT_FIELDS = frozenset({"csrfmiddlewaretoken", "draft_at", "draft_none"})


@for_reviewers
def save_draft(request: DeskRequest, slug: str, claim_id: str) -> HttpResponse:
    """Answer 204 once the draft is saved. Only the page's script calls this; without JavaScript there are no drafts."""
    fields: dict[str, list[str]] = {name: [] for name in request.POST.getlist("draft_none")}
    fields |= {name: values for name, values in request.POST.lists() if name not in _NON_DRAFT_FIELDS}
    drafts.save_draft(
        claim_id=claim_id, user=request.user, fields=fields, at=_parse_milliseconds(request.POST.get("draft_at", ""))
    )
    return HttpResponse(status=204)


def _parse_milliseconds(text: str) -> datetime | None:
    """The page's timestamp of the draft in milliseconds. It is only a hint: anything invalid is None."""
    return clock.from_milliseconds(int(text)) if text.isascii() and text.isdigit() and len(text) < 15 else None
