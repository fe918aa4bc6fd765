"""Pages for people: who may open them, and what they see when something is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from reviewqueue.accounts.roles import Forbidden
from reviewqueue.http import localization
from reviewqueue.http.problem import problem_of, respond_with_problem
from reviewqueue.kernel.errors import Problem
from reviewqueue.models import User

API_PREFIX = "/api/"


class PersonRequest(HttpRequest):
    """A request of somebody signed in."""

    user: User


def require_person[**P](
    allowed: Callable[[User], bool] | None = None,
) -> Callable[
    [Callable[Concatenate[PersonRequest, P], HttpResponse]],
    Callable[Concatenate[HttpRequest, P], HttpResponse],
]:
    """A view for who is signed in and whom `allowed` (say `access.may_manage`) lets in."""

    def decorate(
        view: Callable[Concatenate[PersonRequest, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not isinstance(request.user, User):
                return redirect_to_login(request.get_full_path())
            if allowed is not None and not allowed(request.user):
                raise Forbidden(_("Your role does not open this page."))
            with localization.localize_for(request, request.user):
                return view(cast("PersonRequest", request), *args, **kwargs)

        # mypy takes the PersonRequest of `wraps` for a narrower argument; `guarded` takes any request.
        return cast("Callable[Concatenate[HttpRequest, P], HttpResponse]", guarded)

    return decorate


class RefusalMiddleware:
    """Turns what a view refuses into its answer: a page for people, a problem document under /api/."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """None leaves mistakes of ours to Django, which logs them and calls `broken`."""
        problem = problem_of(exception)
        return None if problem is None else render_problem(request, problem)


def render_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The refusal in the shape that its reader expects."""
    if request.path.startswith(API_PREFIX):
        return respond_with_problem(problem)
    context = {"problem": problem}
    if problem.status >= 500:
        # Without the request: its context processors would ask the database that is just not there.
        page = HttpResponse(render_to_string("reviewqueue/broken.html", context), status=problem.status)
    else:
        page = render(request, "reviewqueue/refusal.html", context, status=problem.status)
    for name, value in problem.headers.items():
        page[name] = value
    return page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400. Also a forged Host ends here, so nothing is rendered that asks for it."""
    problem = problem_of(exception) or Problem(400, "malformed", _("The request makes no sense."))
    if request.path.startswith(API_PREFIX):
        return respond_with_problem(problem)
    return HttpResponse(render_to_string("reviewqueue/broken.html", {"problem": problem}), status=problem.status)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    return render_problem(request, Problem(403, "forbidden", _("This is not for you.")))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    return render_problem(request, Problem(404, "not_found", _("There is nothing here.")))


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500; a database that went away outside a view (a session, say) is a 503 all the same."""
    error = sys.exc_info()[1]
    problem = problem_of(error) if error is not None else None
    if problem is None or problem.status < 500:
        problem = Problem(500, "internal_error", _("Something went wrong on our side. It has been recorded."))
    return render_problem(request, problem)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What a form gets whose page is older than the sign-in."""
    detail = _("This page is older than your sign-in. Go back, load it again and repeat what you did.")
    return render_problem(request, Problem(403, "stale_page", detail))
