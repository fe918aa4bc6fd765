"""The form for a new API key."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from reviewqueue.accounts import roles
from reviewqueue.models import User
from reviewqueue.models.people import Role

SCOPE_LABELS = {
    "outputs:write": _("Send outputs"),
    "decisions:read": _("Read decisions"),
    "labels:read": _("Read labelled data"),
    "reports:read": _("Read reports"),
    "review": _("Review on behalf of a reviewer"),
}
_REVIEWING_ROLES = (Role.REVIEWER, Role.LEAD)


class ApiKeyForm(forms.Form):
    """A new API key, limited to what `by` can grant: only administrators can create keys that read content."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("The system that uses the key."))
    scopes = forms.MultipleChoiceField(label=_("Permissions"), widget=forms.CheckboxSelectMultiple)
    queues = forms.MultipleChoiceField(
        label=_("Streams"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Leave empty for all streams."),
    )
    days = forms.IntegerField(
        label=_("Expires after (days)"),
        min_value=1,
        max_value=3650,
        initial=365,
        widget=forms.NumberInput(attrs={"class": "short"}),
    )
    acts_as = forms.ModelChoiceField(
        label=_("Acts for"),
        queryset=User.objects.none(),
        required=False,
        to_field_name="username",
        empty_label=_("No particular reviewer"),
        help_text=_("Only for keys that review."),
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        administers = roles.may_administer(by)
        scopes = [scope for scope in settings.API_SCOPES if administers or scope not in roles.CONTENT_SCOPES]
        self._set_choices("scopes", [(scope, SCOPE_LABELS.get(scope, scope)) for scope in scopes])
        self._set_choices("queues", [(queue.slug, queue.title) for queue in roles.queues_for(by)])
        if not roles.has_all_queues(by):
            self.fields["queues"].required = True
            self.fields["queues"].help_text = ""
        if administers:
            people = User.objects.filter(role__in=_REVIEWING_ROLES, is_active=True).order_by("username")
            self.fields["acts_as"].queryset = people  # type: ignore[attr-defined]  # a ModelChoiceField
        else:
            del self.fields["acts_as"]

    def _set_choices(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
