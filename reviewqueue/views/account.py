"""Sign-in, sign-out and the user's own account."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash, views
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from reviewqueue.accounts import first_administrator, people, roles
from reviewqueue.activity import log
from reviewqueue.http import PersonRequest, require_person


class SignInView(views.LoginView):
    """The sign-in form; a new installation without accounts leads to its setup instead."""

    template_name = "reviewqueue/sign_in.html"
    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if first_administrator.is_missing():
            return redirect("setup")
        return super().get(request, *args, **kwargs)


sign_in = SignInView.as_view()
sign_out = views.LogoutView.as_view(http_method_names=["post", "options"])


@require_GET
@require_person()
def show_account(request: PersonRequest) -> HttpResponse:
    """The user's role, streams and recent account activity."""
    context = {
        "queues": roles.queues_for(request.user),
        "events": log.events_about("user", request.user.username).reverse()[:20],
    }
    return render(request, "reviewqueue/account.html", context)


@require_http_methods(["GET", "POST"])
@require_person()
def change_password(request: PersonRequest) -> HttpResponse:
    """Change the password and end every other session of the user."""
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        people.change_password(user=request.user, password=form.cleaned_data["new_password1"])
        update_session_auth_hash(request, request.user)
        messages.success(request, _("Password changed."))
        return redirect("account")
    return render(request, "reviewqueue/password.html", {"form": form})
