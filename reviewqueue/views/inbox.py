"""The first page after signing in: the user's queues and what waits in them."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from reviewqueue.accounts import roles
from reviewqueue.desk import session
from reviewqueue.http import PersonRequest, require_person


@require_safe
@require_person()
def show_inbox(request: PersonRequest) -> HttpResponse:
    """The user's queues. Users who do not review are redirected to the reports, if there are any.

    So are administrators while there are no queues: creating the first stream starts there.
    """
    reviews = roles.may_review(request.user)
    if not reviews and settings.REPORTS_HOME_URL:
        return redirect(settings.REPORTS_HOME_URL)
    queues = session.sort_by_urgency(session.list_inbox(request.user))
    if not queues and roles.may_manage(request.user) and settings.REPORTS_HOME_URL:
        return redirect(settings.REPORTS_HOME_URL)
    context = {
        "queues": queues,
        "reviews": reviews,
        "leads": roles.may_lead(request.user),
        "total": sum(queue.waiting for queue in queues) if reviews else 0,
        "next": queues[0] if queues and queues[0].waiting else None,
    }
    return render(request, "reviewqueue/inbox.html", context)
