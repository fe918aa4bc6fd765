"""The form of a policy version: its plain data, in percent and other units for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from escalation.forms import line_syntax
from escalation.policies.spec import PolicySpec, dump_spec


class LinesField(forms.CharField):
    """Text parsed line by line into a list or a mapping; errors name their line."""

    def __init__(self, *, read: Callable[[str], Any], rows: int = 3, placeholder: str = "", **kwargs: Any) -> None:
        widget = forms.Textarea(
            attrs={"rows": rows, "placeholder": placeholder, "spellcheck": "false", "class": "lines"}
        )
        super().__init__(required=False, widget=widget, **kwargs)
        self.read = read

    def clean(self, value: Any) -> Any:
        try:
            return self.read(super().clean(value).replace("\r\n", "\n"))
        except line_syntax.LineSyntaxError as error:
            raise forms.ValidationError(str(error), code="lines") from error


def _percent_field(**kwargs: Any) -> forms.FloatField:
    return forms.FloatField(
        min_value=0, max_value=100, widget=forms.NumberInput(attrs={"step": "any", "class": "short"}), **kwargs
    )


def _number_input(**kwargs: Any) -> forms.NumberInput:
    return forms.NumberInput(attrs={"class": "short", **kwargs})


class PolicyForm(forms.Form):
    """All settings of a policy. `spec` returns the plain data; `build_policy_initial` is the inverse."""

    threshold = _percent_field(
        label=_("Threshold (%)"),
        required=False,
        help_text=_(
            "Outputs with this confidence or more are automated. Leave empty to send all outputs to review unless a "
            "threshold below applies."
        ),
    )
    thresholds = LinesField(
        label=_("Thresholds for single answers"),
        read=line_syntax.parse_thresholds,
        placeholder="refund: 90",
        help_text=_("One per line, as “answer: percent”."),
    )
    segments = LinesField(
        label=_("Thresholds for segments"),
        read=line_syntax.parse_segments,
        placeholder="language = de: 95",
        help_text=_("One per line, as “key = value: percent”. If several match, the strictest applies."),
    )
    rules = LinesField(
        label=_("Always send to review"),
        read=line_syntax.parse_rules,
        placeholder="large amounts: value >= 1000",
        help_text=_(
            "One rule per line, as “name: condition and condition”. Compare value, confidence, prediction or "
            "segment.<key> with =, in, <, <=, > or >=."
        ),
    )
    model_versions = LinesField(
        label=_("Trusted model versions"),
        read=line_syntax.parse_entries,
        help_text=_(
            "One per line. Leave empty to trust every model version. Outputs of any other version always go to review."
        ),
    )
    audits = forms.ChoiceField(
        label=_("Audits of automated outputs"),
        choices=[("rate", _("a share")), ("per_day", _("a number per day")), ("none", _("none"))],
        widget=forms.RadioSelect,
        help_text=_("Random reviews. Without audits the error rate of automated outputs is unknown."),
    )
    rate = _percent_field(label=_("Share (%)"), required=False)
    per_day = forms.IntegerField(label=_("Number per day"), min_value=0, required=False, widget=_number_input())
    mode = forms.ChoiceField(
        label=_("Audited outputs"),
        choices=[("after", _("are released and reviewed afterwards")), ("hold", _("wait for their review"))],
        widget=forms.RadioSelect,
    )
    reviews = forms.IntegerField(
        label=_("Independent reviews per item"), min_value=1, max_value=9, widget=_number_input()
    )
    answer_first = forms.BooleanField(
        label=_("Reviewers always answer before they see the model’s answer"),  # noqa: RUF001 - an apostrophe
        required=False,
    )
    answer_first_share = _percent_field(
        label=_("Ordinary items answered first (%)"),
        required=False,
        help_text=_(
            "Leave empty for as many as there are audits, so that a hidden answer does not give an audit away."
        ),
    )
    undo_seconds = forms.IntegerField(
        label=_("Time to undo a verdict (seconds)"), min_value=0, max_value=3600, widget=_number_input()
    )
    deadline_hours = forms.FloatField(
        label=_("Deadline (hours)"),
        min_value=0.01,
        max_value=24 * 366,
        required=False,
        widget=_number_input(step="any"),
        help_text=_("For outputs without their own deadline. Leave empty for none."),
    )
    on_deadline = forms.ChoiceField(
        label=_("Past the deadline, without a review"),
        choices=[
            ("hold", _("keep waiting for review")),
            ("reject", _("reject the output")),
            ("accept", _("accept the model’s answer")),  # noqa: RUF001 - an apostrophe
        ],
    )
    on_overload = forms.ChoiceField(
        label=_("When the queue is full"),
        choices=[("refuse", _("refuse new outputs")), ("hold", _("accept them and hold them for review"))],
    )
    expires_days = forms.IntegerField(
        label=_("Validity of a guarantee (days)"),
        min_value=1,
        max_value=3660,
        widget=_number_input(),
        help_text=_("A new model version or changed answers end it too."),
    )
    on_expiry = forms.ChoiceField(
        label=_("When a guarantee ends"),
        choices=[
            ("keep", _("keep the thresholds and show that it ended")),
            ("check_more", _("audit every output before it is released")),
            ("all_to_people", _("send every output to review")),
        ],
    )
    due_days = forms.FloatField(
        label=_("Unanswered audits count as errors after (days)"),
        min_value=0.01,
        max_value=366,
        widget=_number_input(step="any"),
    )
    currency = forms.RegexField(
        label=_("Currency"), regex=r"^[A-Z]{3}$", max_length=3, widget=forms.TextInput(attrs={"class": "short"})
    )
    review = forms.FloatField(label=_("Cost of a review"), min_value=0, widget=_number_input(step="any"))
    error = forms.FloatField(label=_("Cost of an error"), min_value=0, widget=_number_input(step="any"))
    matrix = LinesField(
        label=_("Errors with a different cost"),
        read=line_syntax.parse_cost_matrix,
        placeholder="billing -> refund: 12",
        help_text=_("One per line, as “model’s answer -> right answer: cost”."),  # noqa: RUF001 - an apostrophe
    )
    value_factor = forms.FloatField(
        label=_("Additional cost of an error per unit of value"),
        min_value=0,
        required=False,
        widget=_number_input(step="any"),
        help_text=_(
            "0.1 adds 100 to the cost of an error in an output with a value of 1,000. "
            "Leave empty if the value does not change costs."
        ),
    )
    reason = forms.CharField(
        label=_("Reason for this change"),
        max_length=400,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Shown to the approver and kept in the activity log."),
    )

    # Sections of the page; a tuple within one is a row of fields.
    GROUPS: tuple[tuple[Any, tuple[str | tuple[str, ...], ...]], ...] = (
        (_("Automation"), ("threshold", "thresholds", "segments", "rules", "model_versions")),
        (_("Audits"), ("audits", ("rate", "per_day"), "mode")),
        (_("Guarantee"), (("expires_days", "on_expiry"), "due_days")),
        (_("Review"), ("reviews", "answer_first", "answer_first_share", "undo_seconds")),
        (_("Deadlines and overload"), ("deadline_hours", ("on_deadline", "on_overload"))),
        (_("Costs"), (("currency", "review", "error"), "matrix", "value_factor")),
        (_("Reason"), ("reason",)),
    )

    def groups(self) -> list[tuple[Any, list[list[forms.BoundField]]]]:
        """Section titles with their rows of bound fields."""
        return [
            (title, [[self[name] for name in ((row,) if isinstance(row, str) else row)] for row in rows])
            for title, rows in self.GROUPS
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        wanted = cleaned.get("audits")
        if wanted in {"rate", "per_day"} and cleaned.get(wanted) is None and wanted not in self.errors:
            self.add_error(wanted, forms.ValidationError(_("Enter a number.")))
        return cleaned

    def spec(self) -> dict[str, Any]:
        """The plain data of the policy version."""
        cleaned = self.cleaned_data
        same = ("thresholds", "segments", "rules", "model_versions", "reviews", "answer_first", "undo_seconds")
        return {
            **{name: cleaned[name] for name in (*same, "deadline_hours", "on_deadline", "on_overload")},
            "threshold": _to_share(cleaned["threshold"]),
            "answer_first_share": _to_share(cleaned["answer_first_share"]),
            "audit": self._audit(),
            "guarantee": {name: cleaned[name] for name in ("expires_days", "on_expiry", "due_days")},
            "costs": {name: cleaned[name] for name in ("currency", "review", "error", "value_factor", "matrix")},
        }

    def add_errors(self, errors: list[dict[str, str]]) -> None:
        """Adds validation errors of the domain, each to the field its pointer names."""
        for error in errors:
            name = next((part for part in reversed(error["pointer"].split("/")) if part in self.fields), None)
            self.add_error(name, error["detail"])

    def _audit(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        match cleaned["audits"]:
            case "rate":
                return {"rate": _to_share(cleaned["rate"]), "mode": cleaned["mode"]}
            case "per_day":
                return {"per_day": cleaned["per_day"], "mode": cleaned["mode"]}
        return {"mode": cleaned["mode"]}


def build_policy_initial(policy: PolicySpec) -> dict[str, Any]:
    """A policy as initial values of the form."""
    spec: Mapping[str, Any] = dump_spec(policy)
    audit = policy.audit
    same = ("reviews", "answer_first", "undo_seconds", "deadline_hours", "on_deadline", "on_overload")
    return {
        **{name: _int_if_whole(spec[name]) for name in same},
        "threshold": _to_percent(policy.threshold),
        "thresholds": line_syntax.format_thresholds(policy.thresholds),
        "segments": line_syntax.format_segments(spec["segments"]),
        "rules": line_syntax.format_rules(spec["rules"]),
        "model_versions": "\n".join(policy.model_versions),
        "audits": "per_day" if audit.per_day is not None else "rate" if audit.rate is not None else "none",
        "rate": _to_percent(audit.rate),
        "per_day": audit.per_day,
        "mode": audit.mode,
        "answer_first_share": _to_percent(policy.answer_first_share),
        "expires_days": policy.guarantee.expires_days,
        "on_expiry": policy.guarantee.on_expiry,
        "due_days": _int_if_whole(policy.guarantee.due_days),
        "currency": policy.costs.currency,
        "review": _int_if_whole(policy.costs.review),
        "error": _int_if_whole(policy.costs.error),
        "value_factor": _int_if_whole(policy.costs.value_factor),
        "matrix": line_syntax.format_cost_matrix(policy.costs.matrix),
    }


def _to_share(percent: float | None) -> float | None:
    return None if percent is None else round(percent / 100, 10)


def _to_percent(share: float | None) -> float | None:
    return None if share is None else _int_if_whole(round(share * 100, 8))


def _int_if_whole(value: Any) -> Any:
    """Whole numbers without a decimal point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
