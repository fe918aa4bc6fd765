"""Filter forms: a window of days, and the output search."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from escalation.models.output_id import DayBasis
from escalation.outputs.search import OutputQuery
from escalation.routing import reasons
from reviewqueue.facade.facts import COUNTED_ACTIONS

MAX_WINDOW_DAYS = 366
ROUTING_REASONS = (
    "above_threshold", "below_threshold", "audit", "invalid_prediction", "no_confidence", "no_policy",
    "unknown_model_version", "stopped", "dispatch_failed", "policy_outdated",
)  # fmt: skip


def _date_field(**kwargs: Any) -> forms.DateField:
    return forms.DateField(required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **kwargs)


class WindowForm(forms.Form):
    """The days of a report, both ends included; either may be empty. `by`: which date of an output counts."""

    since = _date_field(label=_("From"))
    until = _date_field(label=_("To"))
    by = forms.ChoiceField(
        label=_("Count by"),
        required=False,
        choices=[(DayBasis.RECEIVED, _("day received")), (DayBasis.OCCURRED, _("day occurred"))],
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and not timedelta(0) <= until - since < timedelta(days=MAX_WINDOW_DAYS):
            raise forms.ValidationError(_("Choose 1 to 366 days. The first day must not be after the last."))
        return cleaned

    def basis(self) -> DayBasis:
        return DayBasis(self.cleaned_data["by"] or DayBasis.RECEIVED)

    def window(self, since: date, until: date) -> tuple[date, date]:
        """The chosen days; with one end empty, as many days as the default window has."""
        span = until - since
        last = self.cleaned_data["until"] or (
            min(until, self.cleaned_data["since"] + span) if self.cleaned_data["since"] else until
        )
        first = self.cleaned_data["since"] or last - span
        return min(first, last), last


class OutputSearchForm(WindowForm):
    """Filters of the output list."""

    q = forms.CharField(
        label=_("ID"), max_length=200, required=False, widget=forms.TextInput(attrs={"spellcheck": "false"})
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("any")),
            ("received", _("not routed yet")),
            ("in_review", _("in review")),
            ("decided", _("decided")),
            ("withdrawn", _("withdrawn")),
        ],
    )
    route = forms.ChoiceField(
        label=_("Route"),
        required=False,
        choices=[("", _("any")), ("auto", _("automated")), ("review", _("sent to review"))],
    )
    reason = forms.ChoiceField(label=_("Routing reason"), required=False)
    answer = forms.CharField(label=_("Model’s answer"), max_length=200, required=False)  # noqa: RUF001
    version = forms.CharField(label=_("Model version"), max_length=200, required=False)
    group = forms.CharField(
        label=_("Group"), max_length=200, required=False, widget=forms.TextInput(attrs={"spellcheck": "false"})
    )
    found = forms.ChoiceField(
        label=_("Review result"),
        required=False,
        choices=[
            ("", _("any")),
            ("wrong", _("model wrong")),
            ("right", _("model right")),
            ("waiting", _("waiting")),
            ("checked", _("audited")),
        ],
    )

    # Set by links from a report's counts; no visible control.
    act = forms.ChoiceField(
        required=False, choices=[("", "")] + [(act, act) for act in COUNTED_ACTIONS], widget=forms.HiddenInput()
    )
    code = forms.CharField(max_length=60, required=False, widget=forms.HiddenInput(), strip=False)

    field_order = ("q", "answer", "version", "state", "route", "reason", "group", "found", "since", "until", "by")

    def __init__(self, *args: Any, named_reasons: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        assert isinstance(field, forms.ChoiceField)
        codes = [*ROUTING_REASONS, *named_reasons]
        asked = self.data.get("reason", "")
        if asked.startswith(reasons.NAMED) and asked not in codes:
            codes.append(asked)  # from a link: a rule of an older version, or a label
        field.choices = [("", _("any")), *((code, reasons.describe_reason(code)) for code in codes)]

    def filter_fields(self) -> list[forms.BoundField]:
        """All visible filters except the ID."""
        return [field for field in self.visible_fields() if field.name != "q"]

    def has_filters(self) -> bool:
        return any(field.data for field in self.filter_fields() if field.data != DayBasis.RECEIVED)

    def query(self) -> OutputQuery:
        cleaned = self.cleaned_data
        names = ("state", "route", "reason", "answer", "version", "group", "found", "act", "code", "since", "until")
        return OutputQuery(begins=cleaned["q"], by=self.basis(), **{name: cleaned[name] for name in names})
