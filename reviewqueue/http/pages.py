"""Access checks and error pages for views that people open."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from reviewqueue.accounts.roles import Forbidden
from reviewqueue.http import localization, rates
from reviewqueue.http.problem import problem_of, respond_with_problem
from reviewqueue.kernel.errors import Problem
from reviewqueue.models import User

API_PREFIX = "/api/"
PASSWORD_ROUTES = frozenset({"password"})  # open to a person who has to choose a password first


class PersonRequest(HttpRequest):
    """A request from a signed-in person."""

    user: User


def require_person[**P](
    allowed: Callable[[User], bool] | None = None,
) -> Callable[
    [Callable[Concatenate[PersonRequest, P], HttpResponse]],
    Callable[Concatenate[HttpRequest, P], HttpResponse],
]:
    """Restrict a view to signed-in people who pass `allowed` (for example `roles.may_manage`).

    Redirects to sign-in without a session, and to the password page while somebody else has seen the person's
    password; raises Forbidden when `allowed` says no.
    """

    def decorate(
        view: Callable[Concatenate[PersonRequest, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not isinstance(request.user, User):
                return redirect_to_login(request.get_full_path())
            rates.count_person_request(request, request.user.pk)
            if request.user.must_change_password and _route_name(request) not in PASSWORD_ROUTES:
                return redirect("password")
            if allowed is not None and not allowed(request.user):
                raise Forbidden(_("Your role does not have access to this page."))
            with localization.localize_for(request, request.user):
                return view(cast("PersonRequest", request), *args, **kwargs)

        # mypy infers PersonRequest from `wraps`; `guarded` accepts any request.
        return cast("Callable[Concatenate[HttpRequest, P], HttpResponse]", guarded)

    return decorate


def _route_name(request: HttpRequest) -> str:
    return (request.resolver_match.url_name if request.resolver_match else None) or ""


class RefusalMiddleware:
    """Turn exceptions from views into responses: an error page for people, a problem document under /api/.

    Also tells clients how many requests they may still send.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        rates.add_rate_headers(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return None for unexpected exceptions: Django logs them and calls `server_error`."""
        problem = problem_of(exception)
        return None if problem is None else render_problem(request, problem)


def render_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Render a problem as a page, or as a problem document under /api/."""
    if request.path.startswith(API_PREFIX):
        return respond_with_problem(problem)
    context = {"problem": problem}
    if problem.status >= 500:
        # Without the request: its context processors would query a database that may be down.
        page = HttpResponse(render_to_string("reviewqueue/server_error.html", context), status=problem.status)
    else:
        page = render(request, "reviewqueue/error.html", context, status=problem.status)
    for name, value in problem.headers.items():
        page[name] = value
    return page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400. Requests with a forged Host end here too, so nothing rendered here may read the host."""
    problem = problem_of(exception) or Problem(400, "malformed", _("The request is malformed."))
    if request.path.startswith(API_PREFIX):
        return respond_with_problem(problem)
    return HttpResponse(render_to_string("reviewqueue/server_error.html", {"problem": problem}), status=problem.status)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    return render_problem(request, Problem(403, "forbidden", _("You do not have permission to do this.")))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    return render_problem(request, Problem(404, "not_found", _("Nothing exists at this address.")))


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500; a database failure outside a view (such as loading the session) is still a 503."""
    error = sys.exc_info()[1]
    problem = problem_of(error) if error is not None else None
    if problem is None or problem.status < 500:
        problem = Problem(500, "internal_error", _("Something went wrong on our side. It has been recorded."))
    return render_problem(request, problem)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose page was loaded before the person signed in."""
    detail = _("This page was loaded before you signed in. Go back, reload it and try again.")
    return render_problem(request, Problem(403, "stale_page", detail))
