"""The forms of the guarantee page: error target and test items, in percent and counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from escalation.models import ErrorTarget
from reviewqueue.kernel.sent_json import parse_sent

GROUPING_TEXTS = {
    ErrorTarget.Grouping.TOGETHER: _("all outputs together (highest automation rate)"),
    ErrorTarget.Grouping.CLASSES: _("each answer separately"),
    ErrorTarget.Grouping.LABELS: _("each label separately"),
    ErrorTarget.Grouping.FIELDS: _("each field separately"),
    ErrorTarget.Grouping.SEGMENTS: _("each value of a segment separately"),
}

SHOWN_NO_TARGET = "none"
_RARE_FIELDS = ("confidence_level", "declared_audits")


class ErrorTargetForm(forms.Form):
    """The error target in percent, and the confidence level at which the guarantee must hold."""

    # The target that the page showed, so that nobody replaces one that a second manager has set meanwhile.
    shown = forms.CharField(required=False, widget=forms.HiddenInput)
    max_error_percent = forms.FloatField(
        label=_("Error target (%)"),
        min_value=0.01,
        max_value=50,
        widget=forms.NumberInput(attrs={"class": "short", "step": "any"}),
        help_text=_("The largest share of automated decisions that may be wrong."),
    )
    confidence_level = forms.FloatField(
        label=_("Confidence level (%)"),
        min_value=50,
        max_value=99.9,
        initial=95,
        widget=forms.NumberInput(attrs={"class": "short", "step": "any"}),
        help_text=_("95 is usual: the guarantee fails at most 1 time in 20. A higher level takes more audits."),
    )
    groups = forms.ChoiceField(
        label=_("Applies to"),
        choices=[],
        initial=ErrorTarget.Grouping.TOGETHER,
        widget=forms.RadioSelect,
    )
    segment_key = forms.CharField(
        label=_("Segment"),
        required=False,
        max_length=100,
        help_text=_("Only for segments, for example: language"),
    )
    declared_audits = forms.IntegerField(
        label=_("Exact evaluation after (audits)"),
        min_value=1,
        max_value=100_000,
        required=False,
        widget=forms.NumberInput(attrs={"class": "short"}),
        help_text=_(
            "Audits are evaluated all the time. At one number of audits that is fixed now, an exact test finds more. "
            "Leave empty for a number that usually suffices."
        ),
    )
    reason = forms.CharField(label=_("Reason"), required=False, max_length=400)

    def __init__(self, *args: Any, groupings: Sequence[str], **options: Any) -> None:
        """groupings: what the stream can get a guarantee for, see `targets.list_groupings`."""
        super().__init__(*args, **options)
        field = cast("forms.ChoiceField", self.fields["groups"])
        field.choices = [(one, GROUPING_TEXTS[ErrorTarget.Grouping(one)]) for one in groupings]

    @property
    def usual_fields(self) -> list[BoundField]:
        return [field for field in self.visible_fields() if field.name not in _RARE_FIELDS]

    @property
    def rare_fields(self) -> list[BoundField]:
        """Those whose defaults nearly always fit."""
        return [self[name] for name in _RARE_FIELDS]

    def is_outdated(self, target: ErrorTarget | None) -> bool:
        """Whether the page showed another target than the present one; not if it does not say what it showed."""
        shown = self.cleaned_data["shown"]
        return bool(shown) and shown != (str(target.pk) if target else SHOWN_NO_TARGET)

    def changes(self, target: ErrorTarget) -> bool:
        """Whether anything but the reason differs from a target."""
        arguments = self.target_arguments()
        return any(getattr(target, name) != value for name, value in arguments.items() if name != "reason")

    def target_arguments(self) -> dict[str, Any]:
        """The arguments of `targets.set_error_target`."""
        cleaned = self.cleaned_data
        segments = cleaned["groups"] == ErrorTarget.Grouping.SEGMENTS
        return {
            "max_error": round(cleaned["max_error_percent"] / 100, 10),
            "delta": round(1 - cleaned["confidence_level"] / 100, 10),
            "groups": cleaned["groups"],
            "segment_key": cleaned["segment_key"].strip() if segments else "",
            "declared_audits": cleaned["declared_audits"],
            "reason": cleaned["reason"].strip(),
        }


class TestItemsForm(forms.Form):
    """Test items to add: a number of past errors, or examples with known answers."""

    __test__ = False  # not a test class, despite its name

    count = forms.IntegerField(
        label=_("Past errors to use"), min_value=1, max_value=200, required=False, initial=20,
        widget=forms.NumberInput(attrs={"class": "short"}),
    )  # fmt: skip
    examples = forms.CharField(
        label=_("Or your own examples"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "lines"}),
        help_text=_(
            'One per line: {"input": {"text": "…"}, "prediction": "the model’s answer", "answer": "the right answer"}'  # noqa: RUF001
        ),
    )

    def clean_examples(self) -> list[dict[str, Any]]:
        found = []
        for number, line in enumerate(self.cleaned_data["examples"].splitlines(), start=1):
            if not line.strip():
                continue
            try:
                entry = parse_sent(line)
            except ValueError as error:
                raise forms.ValidationError(_("Line %(line)s is not valid JSON.") % {"line": number}) from error
            if not isinstance(entry, dict):
                raise forms.ValidationError(_("Line %(line)s is not a JSON object.") % {"line": number})
            found.append(entry)
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("count") and not cleaned.get("examples"):
            self.add_error("count", _("Enter a number or add examples."))
        return cleaned


def build_target_initial(target: ErrorTarget | None, *, groupings: Sequence[str]) -> dict[str, Any]:
    """The target as the form shows it; without one, a usual one for the first of these groupings."""
    if target is None:
        initial = {"max_error_percent": 2, "confidence_level": 95, "groups": groupings[0]}
        return {**initial, "shown": SHOWN_NO_TARGET}
    return {
        "shown": str(target.pk),
        "max_error_percent": round(target.max_error * 100, 8),
        "confidence_level": round((1 - target.delta) * 100, 8),
        "groups": target.groups,
        "segment_key": target.segment_key,
        "declared_audits": target.declared_audits,
    }
