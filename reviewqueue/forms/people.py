"""Forms for people: role, streams and new accounts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reviewqueue.accounts import people
from reviewqueue.accounts.roles import has_all_queues, queues_for
from reviewqueue.models import User
from reviewqueue.models.people import Role


class PersonForm(forms.Form):
    """A person's role and streams, limited to what `by` can grant."""

    role = forms.ChoiceField(label=_("Role"))
    queues = forms.MultipleChoiceField(label=_("Streams"), required=False, widget=forms.CheckboxSelectMultiple)
    all_queues = forms.BooleanField(
        label=_("All streams, including future ones"), required=False, help_text=_("Replaces the selection above.")
    )

    def __init__(self, *args: Any, by: User, person: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = people.grantable_roles(by)
        if person is not None and not people.may_change_account(by, person):
            roles = [Role(person.role)]
        elif person is not None and person.role not in roles:
            roles = [Role(person.role), *roles]
        _set_choices(self, "role", [(role.value, role.label) for role in roles])
        _set_choices(self, "queues", [(queue.slug, queue.title) for queue in queues_for(by)])
        if not has_all_queues(by):
            del self.fields["all_queues"]

    def rights(self) -> dict[str, Any]:
        """The chosen rights as keyword arguments for `accounts.people`."""
        return {
            "role": self.cleaned_data["role"],
            "queues": self.cleaned_data["queues"],
            "all_queues": self.cleaned_data.get("all_queues", False),
        }


class NewPersonForm(PersonForm):
    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        help_text=_("Used to sign in. It cannot be changed later."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    name = forms.CharField(label=_("Name"), max_length=150, required=False)
    field_order = ("username", "name")


def _set_choices(form: forms.Form, name: str, choices: list[tuple[str, Any]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices
