"""The forms of a stream's settings, and the definition they build."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from escalation.forms import line_syntax
from escalation.forms.concurrent_edits import ShownValuesMixin
from escalation.forms.fields import LinesField, MultilineField, StoredValuesForm
from escalation.models import Stream
from escalation.streams import definition
from escalation.streams.definition import StreamDefinition
from reviewqueue.accounts.roles import QueueFacts
from reviewqueue.answers.schema import LABEL_UNIT, LABELS, OUTPUT_UNIT, AnswerSpec
from reviewqueue.kernel import strict_json
from reviewqueue.kernel.errors import Invalid, Problem


class JsonSchemaField(forms.JSONField):
    """A JSON schema, parsed as strictly as the API's bodies; None shows as an empty field instead of "null"."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        if self.disabled or not isinstance(value, str) or value in self.empty_values:
            return super().to_python(value)
        try:
            return strict_json.parse_json(value.encode())
        except (Problem, UnicodeEncodeError) as error:
            detail = error.detail if isinstance(error, Problem) else ""
            raise forms.ValidationError(f"{_('Enter valid JSON.')} {detail}".strip(), code="invalid") from error

    def bound_data(self, data: Any, initial: Any) -> Any:
        """The text as entered: Django would parse it again, with another parser."""
        return InvalidJSONInput(data) if isinstance(data, str) else data


_COPIED_FIELDS = (
    "title",
    "question",
    "multiple",
    "error_unit",
    "guidelines",
    "error_types",
    "display",
    "owner",
    "risk",
)


class StreamForm(StoredValuesForm):
    """A stream's settings. Answers are either a list or a JSON schema."""

    title = forms.CharField(label=_("Title"), max_length=120)
    question = forms.CharField(
        label=_("Question"), max_length=200, required=False, help_text=_("Shown to reviewers above the answers.")
    )
    answers = LinesField(
        label=_("Answers"),
        read=line_syntax.parse_entries,
        rows=5,
        help_text=_(
            "One per line. Changes apply to new outputs; outputs already posted keep their answers. If a change could "
            "loosen the policy, all outputs go to review until a second manager approves it."
        ),
    )
    multiple = forms.BooleanField(label=_("Several answers can be right at once"), required=False)
    error_unit = forms.ChoiceField(
        label=_("What counts as an error"),
        choices=[
            (OUTPUT_UNIT, _("an output with any wrong answer")),
            (LABEL_UNIT, _("each answer that the model missed or invented")),
        ],
        initial=OUTPUT_UNIT,
        help_text=_(
            "Matters only where several answers can be right at once. As with changed answers, the evidence for "
            "guarantees starts anew."
        ),
    )
    schema = JsonSchemaField(
        label=_("JSON schema"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "lines"}),
        help_text=_("For structured answers, instead of a list."),
    )
    guidelines = MultilineField(
        label=_("Guidelines"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Markdown. Reviewers see them beside every item and are notified of changes."),
    )
    error_types = LinesField(
        label=_("Error types"),
        read=line_syntax.parse_entries,
        help_text=_("One per line. Reviewers who correct the model can choose one. Leave empty to skip this question."),
    )
    display = LinesField(
        label=_("How content is shown"),
        read=line_syntax.parse_pairs,
        rows=2,
        placeholder="rows: table",
        help_text=_(
            "Only needed where the shape of the input does not decide it. One part per line, as “part: display”; "
            "* stands for the whole input."
        ),
    )
    owner = forms.CharField(label=_("Owner"), max_length=120, required=False, help_text=_("The contact for questions."))
    risk = forms.ChoiceField(
        label=_("Risk"), choices=[("low", _("low")), ("medium", _("medium")), ("high", _("high"))], initial="medium"
    )
    reserve_minutes = forms.IntegerField(
        label=_("Reservation time per item (minutes)"),
        min_value=1,
        max_value=24 * 60,
        initial=15,
        widget=forms.NumberInput(attrs={"class": "short"}),
    )
    max_waiting = forms.IntegerField(
        label=_("Maximum number of waiting items"),
        min_value=1,
        initial=10_000,
        widget=forms.NumberInput(attrs={"class": "short"}),
        help_text=_("Beyond it, new outputs are refused or held, as the policy says."),
    )

    @property
    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields by what they are about, each group with its heading."""
        groups = (
            (_("Stream"), ("title", "slug_name", "owner", "risk")),
            (_("Answers"), ("question", "answers", "multiple", "error_unit", "schema")),
            (_("Reviewers’ page"), ("guidelines", "error_types", "display")),  # noqa: RUF001 - an apostrophe
            (_("Waiting items"), ("reserve_minutes", "max_waiting")),
        )
        return [(str(title), [self[name] for name in names if name in self.fields]) for title, names in groups]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and bool(cleaned["answers"]) == bool(cleaned["schema"]):
            self.add_error("answers", _("Enter either a list of answers or a JSON schema."))
        return cleaned

    def description(self, slug: str) -> StreamDefinition:
        """The definition to apply; raises Invalid if its parts do not fit together."""
        cleaned = self.cleaned_data
        plain = {
            **{name: cleaned[name] for name in _COPIED_FIELDS},
            "slug": slug,
            "answers": cleaned["answers"] or None,
            "schema": cleaned["schema"] or None,
            "review": {name: cleaned[name] for name in ("reserve_minutes", "max_waiting")},
        }
        return definition.parse_definitions({"streams": [plain]})[0]

    def add_errors(self, refusal: Invalid) -> None:
        """Adds errors of the domain: each to the field that its pointer names, and what they mean to the whole form."""
        placed = False
        for error in refusal.errors:
            name = next((step for step in error["pointer"].split("/") if step in self.fields), None)
            if name is not None:
                self.add_error(name, error["detail"])
                placed = True
        if not placed:
            self.add_error(None, str(refusal))


class StreamSettingsForm(ShownValuesMixin, StreamForm):
    """The settings of a stream that exists, which two people may have open at once."""


class NewStreamForm(StreamForm):
    slug_name = forms.SlugField(
        label=_("Name in URLs"),
        max_length=49,
        help_text=_("Lowercase letters, digits and hyphens, for example support-intents. It cannot be changed later."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    field_order = ("title", "slug_name")

    def clean_slug_name(self) -> str:
        slug: str = self.cleaned_data["slug_name"]
        if slug != slug.lower() or "_" in slug or slug.startswith("-") or slug == "new":
            raise forms.ValidationError(_("Use only lowercase letters, digits and hyphens, and not “new”."))
        if Stream.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("A stream with this name already exists. Choose another one."))
        return slug


def build_stream_initial(*, stream: Stream, queue: QueueFacts, guidelines: str, form: AnswerSpec) -> dict[str, Any]:
    """A stream's settings as initial values of the form."""
    stored = build_stored_values(stream=stream, queue=queue, guidelines=guidelines, form=form)
    return stored | {
        "answers": line_syntax.format_entries(form.answers),
        "error_types": line_syntax.format_entries(queue.error_types),
        "display": line_syntax.format_pairs(queue.display),
    }


def build_stored_values(*, stream: Stream, queue: QueueFacts, guidelines: str, form: AnswerSpec) -> dict[str, Any]:
    """A stream's settings as cleaned values of the form."""
    return {
        "title": stream.title,
        "question": queue.question,
        "answers": list(form.answers),
        "multiple": form.kind == LABELS,
        "error_unit": form.error_unit,
        "schema": form.schema,
        "guidelines": guidelines,
        "error_types": list(queue.error_types),
        "display": dict(queue.display),
        "owner": stream.owner,
        "risk": stream.risk,
        "reserve_minutes": queue.reserve_minutes,
        "max_waiting": stream.max_waiting,
    }
