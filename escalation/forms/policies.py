"""The form of a policy version: the same content as its plain data, in the units that people think in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from escalation.forms import line_syntax
from escalation.policies.spec import PolicySpec, dump_spec


class LinesField(forms.CharField):
    """Lines that read as a list or a mapping; what cannot be read is an error that names its line."""

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
    """Everything that decides. `spec` gives the version's plain data; `initial_of` is its way back."""

    threshold = _percent_field(
        label=_("The AI’s answer may stand from … % sure"),  # noqa: RUF001 - an apostrophe
        required=False,
        help_text=_("Empty: a person sees everything that nothing below lets through."),
    )
    thresholds = LinesField(
        label=_("Other percentages for single answers"),
        read=line_syntax.parse_thresholds,
        placeholder="refund: 90",
        help_text=_("One a line: answer: percent."),
    )
    segments = LinesField(
        label=_("Other percentages for parts of the stream"),
        read=line_syntax.parse_segments,
        placeholder="language = de: 95",
        help_text=_("One a line: key = value: percent. Where several match, the strictest holds."),
    )
    rules = LinesField(
        label=_("Always to a person"),
        read=line_syntax.parse_rules,
        placeholder="large amounts: value >= 1000",
        help_text=_(
            "One rule a line: name: condition and condition. Compare value, confidence, prediction or "
            "segment.something by =, in, <, <=, > or >=."
        ),
    )
    model_versions = LinesField(
        label=_("Model versions trusted"),
        read=line_syntax.parse_entries,
        help_text=_("One a line. Empty trusts every version; of others a person sees everything."),
    )
    audits = forms.ChoiceField(
        label=_("Random checks of what would go out"),
        choices=[("rate", _("a share")), ("per_day", _("a number a day")), ("none", _("none"))],
        widget=forms.RadioSelect,
        help_text=_("Without checks nobody knows how often the AI is wrong when it is sure."),
    )
    rate = _percent_field(label=_("Share, in %"), required=False)
    per_day = forms.IntegerField(label=_("A day"), min_value=0, required=False, widget=_number_input())
    mode = forms.ChoiceField(
        label=_("What is drawn"),
        choices=[("after", _("goes out and is looked at afterwards")), ("hold", _("waits for a person"))],
        widget=forms.RadioSelect,
    )
    reviews = forms.IntegerField(
        label=_("People who decide, each alone"), min_value=1, max_value=9, widget=_number_input()
    )
    answer_first = forms.BooleanField(
        label=_("People always answer before they see the AI’s answer"),  # noqa: RUF001 - an apostrophe
        required=False,
    )
    answer_first_share = _percent_field(
        label=_("Of ordinary items, answered first, in %"),
        required=False,
        help_text=_("Empty: as many as there are checks, so that a blank panel says nothing."),
    )
    undo_seconds = forms.IntegerField(
        label=_("Seconds in which a verdict can be undone"), min_value=0, max_value=3600, widget=_number_input()
    )
    deadline_hours = forms.FloatField(
        label=_("Due after … hours"),
        min_value=0.01,
        max_value=24 * 366,
        required=False,
        widget=_number_input(step="any"),
        help_text=_("For outputs without a deadline of their own. Empty: none."),
    )
    on_deadline = forms.ChoiceField(
        label=_("Past the deadline, if nobody has looked"),
        choices=[
            ("hold", _("it waits on for a person")),
            ("reject", _("it is rejected")),
            ("accept", _("the AI’s answer stands")),  # noqa: RUF001 - an apostrophe
        ],
    )
    on_overload = forms.ChoiceField(
        label=_("When too much waits"),
        choices=[("refuse", _("refuse new outputs")), ("hold", _("take them and hold them back"))],
    )
    expires_days = forms.IntegerField(
        label=_("Days that a statement about mistakes holds"),
        min_value=1,
        max_value=3660,
        widget=_number_input(),
        help_text=_("It also ends with a new model version or other answers."),
    )
    on_expiry = forms.ChoiceField(
        label=_("When it no longer holds"),
        choices=[
            ("keep", _("go on, and say so")),
            ("check_more", _("check everything before it goes out")),
            ("all_to_people", _("send everything to people")),
        ],
    )
    due_days = forms.FloatField(
        label=_("Days after which an unanswered check counts as a mistake"),
        min_value=0.01,
        max_value=366,
        widget=_number_input(step="any"),
    )
    currency = forms.RegexField(
        label=_("Currency"), regex=r"^[A-Z]{3}$", max_length=3, widget=forms.TextInput(attrs={"class": "short"})
    )
    review = forms.FloatField(label=_("A review costs"), min_value=0, widget=_number_input(step="any"))
    error = forms.FloatField(label=_("A mistake costs"), min_value=0, widget=_number_input(step="any"))
    matrix = LinesField(
        label=_("Mistakes that cost something else"),
        read=line_syntax.parse_cost_matrix,
        placeholder="billing -> refund: 12",
        help_text=_("One a line: the AI’s answer -> the right one: cost."),  # noqa: RUF001 - an apostrophe
    )
    value_factor = forms.FloatField(
        label=_("An error costs in addition, per unit of the output’s value"),  # noqa: RUF001 - an apostrophe
        min_value=0,
        required=False,
        widget=_number_input(step="any"),
        help_text=_(
            "0.1 adds 100 to the cost of an error where the output’s value is 1,000. "  # noqa: RUF001 - an apostrophe
            "Empty: the value changes no cost."
        ),
    )
    reason = forms.CharField(
        label=_("Why this change"),
        max_length=400,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Whoever approves it, or asks in a year, reads this."),
    )

    # How the page groups them.
    GROUPS: tuple[tuple[Any, tuple[str | tuple[str, ...], ...]], ...] = (
        (_("What may go out without a person"), ("threshold", "thresholds", "segments", "rules", "model_versions")),
        (_("How it is checked"), ("audits", ("rate", "per_day"), "mode")),
        (_("What is stated about it"), (("expires_days", "on_expiry"), "due_days")),
        (_("How people decide"), ("reviews", "answer_first", "answer_first_share", "undo_seconds")),
        (_("When it takes too long"), ("deadline_hours", ("on_deadline", "on_overload"))),
        (_("What it costs"), (("currency", "review", "error"), "matrix", "value_factor")),
        (_("Why"), ("reason",)),
    )

    def groups(self) -> list[tuple[Any, list[list[forms.BoundField]]]]:
        """Titles with rows of one field or a few."""
        return [
            (title, [[self[name] for name in ((row,) if isinstance(row, str) else row)] for row in rows])
            for title, rows in self.GROUPS
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        wanted = cleaned.get("audits")
        if wanted in {"rate", "per_day"} and cleaned.get(wanted) is None and wanted not in self.errors:
            self.add_error(wanted, forms.ValidationError(_("Say how many.")))
        return cleaned

    def spec(self) -> dict[str, Any]:
        """The plain data of the version that the form describes."""
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
        """What the domain refuses, at the field that it points at."""
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
    """A version as the form shows it."""
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
