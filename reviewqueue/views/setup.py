"""Setting up a new installation: its first administrator."""

from __future__ import annotations

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from reviewqueue.accounts import first_administrator, sign_ins
from reviewqueue.accounts.first_administrator import AlreadySetUp
from reviewqueue.forms.setup import FirstAdministratorForm
from reviewqueue.kernel.errors import Invalid


@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Create the first administrator and sign them in; without the token, say where the setup link is."""
    if not first_administrator.is_missing():
        return redirect("sign-in")
    token = request.GET.get("token", "")
    if not first_administrator.is_setup_token(token):
        return render(request, "reviewqueue/setup.html", {"form": None, "wrong_token": bool(token)})
    form = FirstAdministratorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = first_administrator.create_first_administrator(
                token=token,
                username=form.cleaned_data["username"],
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password"],
            )
        except AlreadySetUp:
            return redirect("sign-in")
        except Invalid as refusal:
            form.add_error(None, str(refusal))
        else:
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            sign_ins.record_sign_in(user)
            return redirect("inbox")
    return render(request, "reviewqueue/setup.html", {"form": form})
