"""What may go wrong, as a manager says it: counts in words, not shares."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from escalation.models import Target


class TargetForm(forms.Form):
    """At most so many in 100 wrong; the statement may fail so many times in 100."""

    most = forms.FloatField(
        label=_("Of 100 that go out without a person, at most … may be wrong"),
        min_value=0.01,
        max_value=50,
        widget=forms.NumberInput(attrs={"class": "short", "step": "any"}),
    )
    doubt = forms.FloatField(
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
            (Target.Groups.TOGETHER, _("for everything together: the most goes out without a person")),
            (Target.Groups.CLASSES, _("for each answer on its own")),
            (Target.Groups.SEGMENTS, _("for each value of a segment on its own")),
        ],
        initial=Target.Groups.TOGETHER,
        widget=forms.RadioSelect,
    )
    segment_key = forms.CharField(
        label=_("Segment"), required=False, max_length=100, help_text=_("Only for the last choice, like: language")
    )
    reason = forms.CharField(label=_("Why"), required=False, max_length=400)

    def arguments(self) -> dict[str, Any]:
        """As `targets.set_target` takes it."""
        cleaned = self.cleaned_data
        segments = cleaned["groups"] == Target.Groups.SEGMENTS
        return {
            "max_error": round(cleaned["most"] / 100, 10),
            "doubt": round(cleaned["doubt"] / 100, 10),
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


def initial_of(target: Target | None) -> dict[str, Any]:
    """The target as the form shows it."""
    if target is None:
        return {"most": 2, "doubt": 5, "groups": Target.Groups.TOGETHER}
    return {
        "most": round(target.max_error * 100, 8),
        "doubt": round(target.doubt * 100, 8),
        "groups": target.groups,
        "segment_key": target.segment_key,
    }
