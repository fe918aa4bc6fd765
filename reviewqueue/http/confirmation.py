"""Ask before an act that cannot be undone: a page that names what it is about and posts the same form again.

Works without JavaScript, and needs no route of its own: a view calls `ask_first` before it acts.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

CONFIRMED_FIELD = "confirmed"


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the form comes from the page that asks."""
    return request.POST.get(CONFIRMED_FIELD) == "yes"


def ask_first(
    request: HttpRequest,
    *,
    question: str,
    detail: str,
    button: str,
    back: str,
    danger: bool = True,
    fields: Mapping[str, str] | None = None,
) -> HttpResponse | None:
    """The page that asks, or None if the person has already confirmed.

    question: names the object ("Revoke the API key intake?"). detail: what happens, and what cannot be undone. button:
    the verb and the object. back: where Cancel leads. fields: what the answer is about, posted with it; with them, the
    view itself decides whether the answer still counts. The page repeats a posted `reason`.
    """
    if fields is None and is_confirmed(request):
        return None
    asked = dict(fields or {})
    left_out = _NOT_KEPT | asked.keys()
    kept = [(name, value) for name, values in request.POST.lists() for value in values if name not in left_out]
    context = {
        "question": question,
        "detail": detail,
        "button": button,
        "back": back,
        "danger": danger,
        "reason": request.POST.get("reason", "").strip(),
        "fields": [*kept, *asked.items(), (CONFIRMED_FIELD, "yes")],
    }
    return render(request, "reviewqueue/confirm.html", context)


_NOT_KEPT = frozenset({"csrfmiddlewaretoken", CONFIRMED_FIELD})
