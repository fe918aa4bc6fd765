"""The form of a policy version: its plain data, in percent and other units for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from escalation.forms import line_syntax, policy_rows, text_values
from escalation.forms.fields import LinesField, PercentField, StoredValuesForm
from escalation.forms.rows import RowsField
from escalation.policies.spec import AuditSettings, PolicySpec, dump_spec
from reviewqueue.answers import schema
from reviewqueue.answers.schema import AnswerSpec

# Where a stream without a policy starts: audits are on, because without them nobody knows how often the model is wrong.
SUGGESTED_POLICY = PolicySpec(threshold=0.9, audit=AuditSettings(rate=0.05, mode="after"))


def _number_input(**kwargs: Any) -> forms.NumberInput:
    return forms.NumberInput(attrs={"class": "short", **kwargs})


class PolicyForm(StoredValuesForm):
    """All settings of a policy. `spec` returns the plain data; `build_policy_initial` is the inverse.

    policy: the version that the form starts from.
    """

    threshold = PercentField(
        label=_("Threshold (%)"),
        help_text=_(
            "Outputs with this confidence or more are automated. Leave empty to send all outputs to review unless a "
            "threshold below applies."
        ),
    )
    thresholds = RowsField(
        label=_("Answers or fields with a threshold of their own"),
        layout=policy_rows.THRESHOLDS_LAYOUT,
        codec=policy_rows.THRESHOLDS_CODEC,
    )
    segments = RowsField(
        label=_("Segments with a threshold of their own"),
        layout=policy_rows.SEGMENTS_LAYOUT,
        codec=policy_rows.SEGMENTS_CODEC,
        help_text=_("If several match an output, the strictest applies."),
    )
    rules = RowsField(
        label=_("Rules"),
        layout=policy_rows.RULES_LAYOUT,
        codec=policy_rows.RULES_CODEC,
        help_text=_(
            "A rule applies if all of its conditions hold. Compare value, confidence, prediction or segment.<key>. "
            "Outputs that lack the field go to review, too."
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
    rate = PercentField(label=_("Share (%)"))
    per_day = forms.IntegerField(label=_("Number per day"), min_value=0, required=False, widget=_number_input())
    no_audits = forms.BooleanField(label=_("Continue without audits"), required=False)
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
    answer_first_share = PercentField(
        label=_("Ordinary items answered first (%)"),
        help_text=_(
            "Leave empty for as many as there are audits, so that a hidden answer does not give an audit away."
        ),
    )
    undo_seconds = forms.IntegerField(
        label=_("Time to undo a verdict (seconds)"), min_value=0, max_value=3600, widget=_number_input()
    )
    deadline_hours = forms.FloatField(
        label=_("Deadline (hours)"),
        min_value=0,
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
        min_value=0,
        max_value=366,
        widget=_number_input(step="any"),
    )
    currency = forms.RegexField(
        label=_("Currency"), regex=r"^[A-Z]{3}$", max_length=3, widget=forms.TextInput(attrs={"class": "short"})
    )
    review = forms.FloatField(label=_("Cost of a review"), min_value=0, widget=_number_input(step="any"))
    error = forms.FloatField(label=_("Cost of an error"), min_value=0, widget=_number_input(step="any"))
    matrix = RowsField(
        label=_("Errors with a different cost"),
        layout=policy_rows.MATRIX_LAYOUT,
        codec=policy_rows.MATRIX_CODEC,
    )
    missed = forms.FloatField(
        label=_("Cost of a missed answer"),
        min_value=0,
        required=False,
        widget=_number_input(step="any"),
        help_text=_("Leave empty to use the cost of an error."),
    )
    invented = forms.FloatField(
        label=_("Cost of an invented answer"),
        min_value=0,
        required=False,
        widget=_number_input(step="any"),
        help_text=_("Leave empty to use the cost of an error."),
    )
    by_label = RowsField(
        label=_("Answers with a different cost"),
        layout=policy_rows.LABEL_COSTS_LAYOUT,
        codec=policy_rows.LABEL_COSTS_CODEC,
    )
    by_field = RowsField(
        label=_("Fields with a different cost"),
        layout=policy_rows.FIELD_COSTS_LAYOUT,
        codec=policy_rows.FIELD_COSTS_CODEC,
        help_text=_("With a field here, an error costs the sum of its wrong fields, others at the cost of an error."),
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

    # The sections below "Advanced"; a tuple within one is a row of fields. The others stand in the template.
    ADVANCED: tuple[tuple[Any, tuple[str | tuple[str, ...], ...]], ...] = (
        (_("Review"), ("reviews", "answer_first", "answer_first_share", "undo_seconds")),
        (_("Deadlines and overload"), ("deadline_hours", ("on_deadline", "on_overload"))),
        (_("Guarantee"), (("expires_days", "on_expiry"), "due_days")),
        (
            _("Costs"),
            (("currency", "review", "error"), ("missed", "invented"), "by_label", "by_field", "value_factor", "matrix"),
        ),
    )
    # Costs that only some kinds of answers can have; `__init__` knows which.
    COST_NAMES = ("currency", "review", "error", "value_factor", "matrix", "missed", "invented", "by_label", "by_field")

    def __init__(
        self, *args: Any, policy: PolicySpec | None = None, answers: AnswerSpec | None = None, **kwargs: Any
    ) -> None:
        if policy is not None:
            kwargs |= {"initial": build_policy_initial(policy), "stored": _build_stored_values(policy)}
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, RowsField) and name in self.stored:
                field.keep(self.stored[name])
        self._unused = _list_unused_costs(answers) if answers is not None else frozenset()
        self._had_audits = policy is None or _has_audits(dump_spec(policy)["audit"])

    def audit_fields(self) -> list[list[forms.BoundField]]:
        """Rows of the fields about audits; whether there should be none is asked only when it has come up."""
        asked = [["no_audits"]] if self._asks_for_no_audits() else []
        return [[self[name] for name in row] for row in (["audits"], ["rate", "per_day"], *asked, ["mode"])]

    def advanced(self) -> list[tuple[Any, list[list[forms.BoundField]]]]:
        """The advanced sections: titles with their rows of bound fields."""
        return [
            (title, [bound for row in rows if (bound := self._bind_row((row,) if isinstance(row, str) else row))])
            for title, rows in self.ADVANCED
        ]

    def _bind_row(self, names: Sequence[str]) -> list[forms.BoundField]:
        """The fields of a row, without costs that the answers cannot have and that were not entered either."""
        return [
            self[name]
            for name in names
            if name not in self._unused or self.stored.get(name) or name in self.errors or self[name].data
        ]

    def has_advanced_errors(self) -> bool:
        """Whether a field of the advanced sections has an error, so that they must not be folded."""
        return any(field.errors for _title, rows in self.advanced() for row in rows for field in row)

    def _asks_for_no_audits(self) -> bool:
        return self.is_bound and ("no_audits" in self.errors or bool(self.cleaned_data.get("no_audits")))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self._check_audits(cleaned)
        return cleaned

    def _check_audits(self, cleaned: dict[str, Any]) -> None:
        """Refuse a choice and numbers that contradict each other, and ask once before there are no audits at all."""
        wanted = cleaned.get("audits")
        for name in ("rate", "per_day"):
            number = cleaned.get(name)
            if name == wanted and number is None and name not in self.errors:
                self.add_error(name, forms.ValidationError(_("Enter a number.")))
            elif name != wanted and number is not None and name in self.changed_data:
                self.add_error(
                    name,
                    forms.ValidationError(
                        _("You entered a number here but chose something else above. Choose this, or empty the field.")
                    ),
                )
        if self.errors or cleaned.get("no_audits") or not self._had_audits or _has_audits(self._audit()):
            return
        self.add_error(
            "no_audits",
            forms.ValidationError(
                _(
                    "Without audits nobody reviews automated outputs: their error rate stays unknown, no guarantee is "
                    "possible, and a model that gets worse goes unnoticed. Choose audits, or tick this box and save "
                    "again."
                )
            ),
        )

    def spec(self) -> dict[str, Any]:
        """The plain data of the policy version."""
        cleaned = self.cleaned_data
        same = ("thresholds", "segments", "rules", "model_versions", "reviews", "answer_first", "undo_seconds")
        return {
            **{name: cleaned[name] for name in (*same, "deadline_hours", "on_deadline", "on_overload")},
            "threshold": cleaned["threshold"],
            "answer_first_share": cleaned["answer_first_share"],
            "audit": self._audit(),
            "guarantee": {name: cleaned[name] for name in ("expires_days", "on_expiry", "due_days")},
            "costs": {name: cleaned[name] for name in self.COST_NAMES},
        }

    def add_errors(self, errors: list[dict[str, str]]) -> None:
        """Adds validation errors of the domain, each to the field its pointer names."""
        for error in errors:
            # The first part that is a field: what follows may be an answer that happens to be called like one.
            name = next((part for part in error["pointer"].split("/") if part in self.fields), None)
            self.add_error(name, error["detail"])

    def _audit(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        match cleaned["audits"]:
            case "rate":
                return {"rate": cleaned["rate"], "mode": cleaned["mode"]}
            case "per_day":
                return {"per_day": cleaned["per_day"], "mode": cleaned["mode"]}
        return {"mode": cleaned["mode"]}


_WHOLE_NUMBERS = ("deadline_hours", "due_days", "review", "error", "missed", "invented", "value_factor")


def build_policy_initial(policy: PolicySpec) -> dict[str, Any]:
    """A policy as initial values of the form: texts and numbers that are read as the same values."""
    stored = _build_stored_values(policy)
    formats: Mapping[str, Callable[[Any], Any]] = {
        **dict.fromkeys(("threshold", "rate", "answer_first_share"), text_values.format_percent),
        **dict.fromkeys(_WHOLE_NUMBERS, _int_if_whole),
        "thresholds": policy_rows.THRESHOLDS_CODEC.write_rows,
        "segments": policy_rows.SEGMENTS_CODEC.write_rows,
        "rules": policy_rows.RULES_CODEC.write_rows,
        "model_versions": line_syntax.format_entries,
        "matrix": policy_rows.MATRIX_CODEC.write_rows,
        "by_label": policy_rows.LABEL_COSTS_CODEC.write_rows,
        "by_field": policy_rows.FIELD_COSTS_CODEC.write_rows,
    }
    return {
        name: formats[name](value) if name in formats and value is not None else value for name, value in stored.items()
    }


def _build_stored_values(policy: PolicySpec) -> dict[str, Any]:
    """A policy as cleaned values of the form."""
    spec: Mapping[str, Any] = dump_spec(policy)
    audit, guarantee, costs = policy.audit, policy.guarantee, spec["costs"]
    same = (
        "threshold", "thresholds", "segments", "rules", "model_versions", "reviews", "answer_first",
        "answer_first_share", "undo_seconds", "deadline_hours", "on_deadline", "on_overload",
    )  # fmt: skip
    return {
        **{name: spec[name] for name in same},
        "audits": "per_day" if audit.per_day is not None else "rate" if audit.rate is not None else "none",
        "rate": audit.rate,
        "per_day": audit.per_day,
        "mode": audit.mode,
        "expires_days": guarantee.expires_days,
        "on_expiry": guarantee.on_expiry,
        "due_days": guarantee.due_days,
        **{name: costs[name] for name in PolicyForm.COST_NAMES},
    }


def _list_unused_costs(answers: AnswerSpec) -> frozenset[str]:
    """The costs that answers like these cannot have."""
    used = (
        {"missed", "invented", "by_label"}
        if answers.has_label_errors
        else {schema.LABEL: {"matrix"}, schema.STRUCTURED: {"by_field"}}.get(answers.kind, set())
    )
    return frozenset({"matrix", "missed", "invented", "by_label", "by_field"} - used)


def _has_audits(audit: Mapping[str, Any]) -> bool:
    return bool(audit.get("rate") or audit.get("per_day"))


def _int_if_whole(number: float) -> float:
    """Whole numbers without a decimal point."""
    return int(number) if number.is_integer() else number
