"""What may go wrong, as a manager says it: counts in words, not shares."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from escalation.models import ErrorTarget


class ErrorTargetForm(forms.Form):
    """At most so many in 100 wrong; the statement may fail so many times in 100."""

    max_error_percent = forms.FloatField(
        label=_("Of 100 that go out without a person, at most … may be wrong"),
        min_value=0.01,
        max_value=50,
        widget=forms.NumberInput(attrs={"class": "short", "step": "any"}),
    )
    delta_percent = forms.FloatField(
        label=_("Of 100 such statements, at most … may be false"),
        min_value=0.1,
        max_value=50,
        initial=5,
        widget=forms.NumberInput(attrs={"class": "short", "step": "any"}),
        help_text=_("5 is usual. The smaller, the more checks it takes."),
    )
    groups = forms.ChoiceField(
        label=_("This holds"),
        choices=[
            (ErrorTarget.Grouping.TOGETHER, _("for everything together: the most goes out without a person")),
            (ErrorTarget.Grouping.CLASSES, _("for each answer on its own")),
            (ErrorTarget.Grouping.SEGMENTS, _("for each value of a segment on its own")),
        ],
        initial=ErrorTarget.Grouping.TOGETHER,
        widget=forms.RadioSelect,
    )
    segment_key = forms.CharField(
        label=_("Segment"), required=False, max_length=100, help_text=_("Only for the last choice, like: language")
    )
    reason = forms.CharField(label=_("Why"), required=False, max_length=400)

    def target_arguments(self) -> dict[str, Any]:
        """As `targets.set_target` takes it."""
        cleaned = self.cleaned_data
        segments = cleaned["groups"] == ErrorTarget.Grouping.SEGMENTS
        return {
            "max_error": round(cleaned["max_error_percent"] / 100, 10),
            "delta": round(cleaned["delta_percent"] / 100, 10),
            "groups": cleaned["groups"],
            "segment_key": cleaned["segment_key"].strip() if segments else "",
            "reason": cleaned["reason"].strip(),
        }


class TestItemsForm(forms.Form):
    """Known answers to mix in: so many of the past, or examples that somebody brings."""

    __test__ = False  # no test of ours, whatever its name

    count = forms.IntegerField(
        label=_("Mistakes of the past to ask about again"), min_value=1, max_value=200, required=False, initial=20,
        widget=forms.NumberInput(attrs={"class": "short"}),
    )  # fmt: skip
    examples = forms.CharField(
        label=_("Or examples of your own"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "lines"}),
        help_text=_(
            'One a line: {"input": {"text": "…"}, "prediction": "what the AI said", "answer": "what is right"}'
        ),
    )

    def clean_examples(self) -> list[dict[str, Any]]:
        found = []
        for number, line in enumerate(self.cleaned_data["examples"].splitlines(), start=1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise forms.ValidationError(_("Line %(line)s is not JSON.") % {"line": number}) from error
            if not isinstance(entry, dict):
                raise forms.ValidationError(_("Line %(line)s is no JSON object.") % {"line": number})
            found.append(entry)
        return found

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("count") and not cleaned.get("examples"):
            self.add_error("count", _("Say how many, or bring examples."))
        return cleaned


def build_target_initial(target: ErrorTarget | None) -> dict[str, Any]:
    """The target as the form shows it."""
    if target is None:
        return {"max_error_percent": 2, "delta_percent": 5, "groups": ErrorTarget.Grouping.TOGETHER}
    return {
        "max_error_percent": round(target.max_error * 100, 8),
        "delta_percent": round(target.delta * 100, 8),
        "groups": target.groups,
        "segment_key": target.segment_key,
    }
