"""People: accounts, roles and streams."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from reviewqueue.accounts import people, roles, sign_ins
from reviewqueue.accounts.roles import AccountAct
from reviewqueue.forms.people import NewPersonForm, PersonForm
from reviewqueue.http import PersonRequest, ask_first, require_person
from reviewqueue.kernel.errors import DomainError
from reviewqueue.models import User
from reviewqueue.queue import departures

MAX_EVENTS_SHOWN = 20  # events on a person's page


@require_safe
@require_person(roles.may_see_people)
def list_people(request: PersonRequest) -> HttpResponse:
    context = {"people": people.people_visible_to(request.user), "may_manage": roles.may_manage(request.user)}
    return render(request, "reviewqueue/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require_person(roles.may_manage)
def create_person(request: PersonRequest) -> HttpResponse:
    """Create an account; its password is shown once, on the response page."""
    form = NewPersonForm(request.POST or None, by=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            person, password = people.create_person(
                username=form.cleaned_data["username"],
                name=form.cleaned_data["name"],
                by=request.user,
                **form.rights(),
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            return _render_password(request, person.username, password)
    return render(request, "reviewqueue/person_new.html", {"form": form})


@require_safe
@require_person(roles.may_see_people)
def show_person(request: PersonRequest, username: str) -> HttpResponse:
    """One person's role and streams; managers get the form to change them."""
    person = people.person_for(request.user, username)
    initial = {
        "role": person.role,
        "queues": [membership.queue.slug for membership in person.memberships.all()],
        "all_queues": person.all_queues,
    }
    return _render_person(request, person, PersonForm(by=request.user, person=person, initial=initial))


@require_POST
@require_person(roles.may_manage)
def change_rights(request: PersonRequest, username: str) -> HttpResponse:
    """Change a person's role or streams."""
    person = people.person_for(request.user, username)
    form = PersonForm(request.POST, by=request.user, person=person)
    if form.is_valid():
        try:
            departures.change_person(user_id=person.pk, by=request.user, **form.rights())
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("person", username)
    return _render_person(request, person, form)


@require_POST
@require_person(roles.may_manage)
def deactivate_person(request: PersonRequest, username: str) -> HttpResponse:
    person = people.changeable_person_for(request.user, username)
    asking = ask_first(
        request,
        question=_("Close the account of %(username)s?") % {"username": username},
        detail=_("%(username)s is signed out, and API keys that act for them stop working. Their decisions stay.")
        % {"username": username},
        button=_("Close the account of %(username)s") % {"username": username},
        back=resolve_url("person", username),
    )
    if asking:
        return asking
    departures.deactivate_person(user_id=person.pk, by=request.user)
    messages.success(request, _("Account closed. Its decisions stay."))
    return redirect("person", username)


@require_POST
@require_person(roles.may_manage)
def reactivate_person(request: PersonRequest, username: str) -> HttpResponse:
    people.reactivate_person(user_id=people.person_for(request.user, username).pk, by=request.user)
    messages.success(request, _("Account reopened."))
    return redirect("person", username)


@require_POST
@require_person(roles.may_manage)
def reset_password(request: PersonRequest, username: str) -> HttpResponse:
    """Give a person a new password, shown once. They have to replace it at their next sign-in."""
    person = people.changeable_person_for(request.user, username, AccountAct.PASSWORD)
    asking = ask_first(
        request,
        question=_("Reset the password of %(username)s?") % {"username": username},
        detail=_("The old password and all sessions of %(username)s end at once. They will see that you reset it.")
        % {"username": username},
        button=_("Reset the password of %(username)s") % {"username": username},
        back=resolve_url("person", username),
    )
    if asking:
        return asking
    return _render_password(request, username, people.reset_password(user_id=person.pk, by=request.user))


def _render_person(request: PersonRequest, person: User, form: PersonForm) -> HttpResponse:
    context = {
        "person": person,
        "form": form,
        "may_change": roles.may_manage(request.user) and person != request.user,
        "may_change_account": people.may_change_account(request.user, person),
        "may_reset_password": people.may_change_account(request.user, person, AccountAct.PASSWORD),
        "events": people.list_account_events(person)[:MAX_EVENTS_SHOWN],
        "sign_ins": sign_ins.list_sign_ins(person)[: sign_ins.MAX_SHOWN],
    }
    return render(request, "reviewqueue/person.html", context)


def _render_password(request: PersonRequest, username: str, password: str) -> HttpResponse:
    """Render the password in the response to the POST, so that it is never stored."""
    return render(request, "reviewqueue/password_created.html", {"username": username, "password": password})
