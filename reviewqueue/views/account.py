"""Sign-in, sign-out and the user's own account."""

from __future__ import annotations

from typing import Any

from axes.helpers import get_cool_off
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash, views
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from reviewqueue.accounts import first_administrator, people, roles, sign_ins
from reviewqueue.http import PersonRequest, require_person
from reviewqueue.kernel.errors import DomainError
from reviewqueue.models import User

MAX_EVENTS_SHOWN = 20


class SignInView(views.LoginView):
    """The sign-in form; every attempt is recorded (see `sign_ins`).

    A new installation without accounts leads to its setup instead.
    """

    template_name = "reviewqueue/sign_in.html"
    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if first_administrator.is_missing():
            return redirect("setup")
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        if isinstance(self.request.user, User):
            sign_ins.record_sign_in(self.request.user)
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        sign_ins.record_failed_sign_in(form.data.get("username", ""))
        return super().form_invalid(form)


def show_lockout(request: HttpRequest, _response: HttpResponse | None, _credentials: dict[str, Any]) -> HttpResponse:
    """Answer attempts after too many failed ones; each of them starts the wait anew."""
    seconds = int(get_cool_off(request).total_seconds())
    page = render(request, "reviewqueue/sign_in.html", {"locked_minutes": seconds // 60}, status=429)
    page["Retry-After"] = str(seconds)
    return page


class SignOutView(views.LogoutView):
    """Ends the session, and removes drafts and everything else that the browser stored for this site."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if isinstance(request.user, User):
            sign_ins.record_sign_out(request.user)
        response = super().post(request, *args, **kwargs)
        response["Clear-Site-Data"] = '"storage"'
        return response


sign_in = SignInView.as_view()
sign_out = SignOutView.as_view()


@require_safe
@require_person()
def show_account(request: PersonRequest) -> HttpResponse:
    """The user's role, streams and recent account activity."""
    context = {
        "queues": roles.queues_for(request.user),
        "events": people.list_account_events(request.user)[:MAX_EVENTS_SHOWN],
        "sign_ins": sign_ins.list_sign_ins(request.user)[: sign_ins.MAX_SHOWN],
    }
    return render(request, "reviewqueue/account.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require_person()
def change_password(request: PersonRequest) -> HttpResponse:
    """Change the password and end every other session of the user."""
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        was_due = request.user.must_change_password
        try:
            people.change_password(user=request.user, password=form.cleaned_data["new_password1"])
        except DomainError as refusal:
            form.add_error("new_password1", str(refusal))
        else:
            update_session_auth_hash(request, request.user)
            messages.success(request, _("Password changed."))
            # Somebody who had to change it came to work, not to see the account.
            return redirect("inbox" if was_due else "account")
    context = {"form": form, "given_by": people.find_password_giver(request.user)}
    return render(request, "reviewqueue/password.html", context)
