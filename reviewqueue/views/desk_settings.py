"""How the person wants their desk: a page of their own, and the switches that stand on the desk itself."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from .. import preferences
from ..http import PersonRequest, for_people


@require_POST
@for_people()
def switch(request: PersonRequest) -> HttpResponse:
    """One switch, from where it stands; `off` says that it is."""
    preferences.switch(user=request.user, name=request.POST.get("switch", ""), on="off" not in request.POST)
    return HttpResponse(status=204) if request.headers.get("HX-Request") else redirect("account")
