"""A queue's guidelines: the page, the dialog on the desk, and the changes since the user last read them."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reviewqueue.accounts import roles
from reviewqueue.guidelines.reading import (
    changes_since_read,
    compare_versions,
    list_versions,
    mark_guideline_read,
    open_guideline,
)
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel.errors import NotFound
from reviewqueue.views.desk_context import DeskRequest


@require_safe
@require_person(roles.may_review)
def show_guidelines(request: PersonRequest, slug: str) -> HttpResponse:
    """One version, the latest unless a number is given. The desk's dialog gets the text without the page."""
    queue, guideline = open_guideline(user=request.user, slug=slug, number=_version_number(request, "number"))
    context = {"queue": queue, "guideline": guideline, "changes": changes_since_read(queue, guideline)}
    if cast("DeskRequest", request).htmx:
        return render(request, "reviewqueue/guidelines/text.html", context | {"show_read_form": True})
    before, after = _version_number(request, "before"), _version_number(request, "after")
    comparison = compare_versions(queue, before=before, after=after) if before and after else None
    context |= {"versions": list_versions(queue), "comparison": comparison}
    return render(request, "reviewqueue/guidelines.html", context)


@require_POST
@require_person(roles.may_review)
def mark_guidelines_read(request: PersonRequest, slug: str) -> HttpResponse:
    """Record that the user has read a version: from now on only later ones count as changed."""
    guideline = mark_guideline_read(user=request.user, slug=slug, number=_version_number(request, "number") or 0)
    if cast("DeskRequest", request).htmx:
        return render(request, "reviewqueue/guidelines/changed_tag.html", {"guideline": guideline, "remove_tag": True})
    return redirect("guidelines", slug)


def _version_number(request: HttpRequest, name: str) -> int | None:
    """The requested version number, None if there is none; NotFound if it is not a number."""
    text = (request.POST if request.method == "POST" else request.GET).get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise NotFound(_("There is no such version of the guidelines."))
    return int(text)
