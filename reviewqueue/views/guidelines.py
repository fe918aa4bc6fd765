"""The guidelines of a queue: a page, the dialog at the desk, and what changed since the reader last looked."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from reviewqueue.accounts import roles
from reviewqueue.guidelines.reading import compare, open_at, read, since_known, versions
from reviewqueue.http import PersonRequest, for_people
from reviewqueue.kernel.errors import NotFound
from reviewqueue.views.desk_context import DeskRequest


@require_GET
@never_cache
@for_people(roles.may_review)
def show(request: PersonRequest, slug: str) -> HttpResponse:
    """One version, the latest unless a number is given; the dialog gets it without the page around it."""
    queue, guideline = open_at(user=request.user, slug=slug, number=_number(request, "number"))
    context = {"queue": queue, "guideline": guideline, "change": since_known(queue, guideline)}
    if cast("DeskRequest", request).htmx:
        return render(request, "reviewqueue/guidelines/text.html", context | {"read_now": True})
    before, after = _number(request, "before"), _number(request, "after")
    chosen = compare(queue, before=before, after=after) if before and after else None
    context |= {"versions": versions(queue), "chosen": chosen}
    return render(request, "reviewqueue/guidelines.html", context)


@require_POST
@never_cache
@for_people(roles.may_review)
def reading(request: PersonRequest, slug: str) -> HttpResponse:
    """The person has a version before them: from now on only a later one has changed for them."""
    guideline = read(user=request.user, slug=slug, number=_number(request, "number") or 0)
    if cast("DeskRequest", request).htmx:
        return render(request, "reviewqueue/guidelines/changed.html", {"guideline": guideline, "away": True})
    return redirect("guidelines", slug)


def _number(request: HttpRequest, name: str) -> int | None:
    """A version's number as it was asked for, None where none was; what can be no number is no version."""
    text = (request.POST if request.method == "POST" else request.GET).get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise NotFound(_("There is no such version of the guidelines."))
    return int(text)
