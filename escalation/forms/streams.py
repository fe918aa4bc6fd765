"""The form of a stream: what its owner says about it, as a description to apply."""

from __future__ import annotations

from typing import Any

import msgspec
from django import forms
from django.utils.translation import gettext_lazy as _

from escalation.forms import line_syntax
from escalation.forms.policies import LinesField
from escalation.models import Stream
from escalation.streams.definition import StreamDefinition
from reviewqueue.accounts.roles import QueueFacts
from reviewqueue.kernel.errors import Invalid


class JsonSchemaField(forms.JSONField):
    """A JSON schema; none is an empty field, not the word null."""

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


_COPIED_FIELDS = ("title", "question", "multiple", "guidelines", "error_types", "display", "owner", "risk")


class StreamForm(forms.Form):
    """A stream's queue. Answers are either a list or a JSON schema."""

    title = forms.CharField(label=_("Title"), max_length=120)
    question = forms.CharField(
        label=_("Question"), max_length=200, required=False, help_text=_("What reviewers are asked, above the answers.")
    )
    answers = LinesField(
        label=_("Answers"),
        read=line_syntax.parse_entries,
        rows=5,
        help_text=_("One a line. Changing them starts a new set; what was posted before keeps its own."),
    )
    multiple = forms.BooleanField(label=_("Several answers can be right at once"), required=False)
    schema = JsonSchemaField(
        label=_("JSON schema"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "lines"}),
        help_text=_("Instead of a list of answers, for answers of several parts."),
    )
    guidelines = forms.CharField(
        label=_("Guidelines"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Markdown. Reviewers see them beside every item, and are told when they change."),
    )
    error_types = LinesField(
        label=_("Kinds of mistakes"),
        read=line_syntax.parse_entries,
        help_text=_("One a line. Whoever corrects the AI can say which it was. None: nobody is asked."),
    )
    display = LinesField(
        label=_("How content is shown"),
        read=line_syntax.parse_pairs,
        rows=2,
        placeholder="rows: table",
        help_text=_(
            "Only where the shape of the input does not say it: one part of the input a line, and how to show it. "
            "An asterisk stands for the whole input."
        ),
    )
    owner = forms.CharField(label=_("Owner"), max_length=120, required=False, help_text=_("Whom to ask about it."))
    risk = forms.ChoiceField(
        label=_("Risk"), choices=[("low", _("low")), ("medium", _("medium")), ("high", _("high"))], initial="medium"
    )
    reserve_minutes = forms.IntegerField(
        label=_("Minutes that an item is reserved for a reviewer"),
        min_value=1,
        max_value=24 * 60,
        initial=15,
        widget=forms.NumberInput(attrs={"class": "short"}),
    )
    max_waiting = forms.IntegerField(
        label=_("Most items that may wait"),
        min_value=1,
        initial=10_000,
        widget=forms.NumberInput(attrs={"class": "short"}),
        help_text=_("Past it the stream takes no more, or holds back, as its policy says."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and bool(cleaned["answers"]) == bool(cleaned["schema"]):
            self.add_error("answers", _("Give either a list of answers or a JSON schema."))
        return cleaned

    def description(self, slug: str) -> StreamDefinition:
        """What to apply; Invalid where the pieces don't fit together."""
        cleaned = self.cleaned_data
        plain = {
            **{name: cleaned[name] for name in _COPIED_FIELDS},
            "slug": slug,
            "answers": cleaned["answers"] or None,
            "schema": cleaned["schema"] or None,
            "review": {name: cleaned[name] for name in ("reserve_minutes", "max_waiting")},
        }
        try:
            return msgspec.convert(plain, StreamDefinition)
        except msgspec.ValidationError as error:
            raise Invalid(str(error).partition(" - at ")[0]) from error


class NewStreamForm(StreamForm):
    slug_name = forms.SlugField(
        label=_("Name in addresses"),
        max_length=49,
        help_text=_("Small letters, digits and dashes, like support-intents. It cannot be changed later."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    field_order = ("title", "slug_name")

    def clean_slug_name(self) -> str:
        slug: str = self.cleaned_data["slug_name"]
        if slug != slug.lower() or "_" in slug or slug.startswith("-") or slug == "new":
            raise forms.ValidationError(_("Small letters, digits and dashes only, and not “new”."))
        if Stream.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("There is a stream of that name already."))
        return slug


def build_stream_initial(
    *, stream: Stream, queue: QueueFacts, guidelines: str, answers: list[str], kind: str, schema: Any
) -> dict[str, Any]:
    """A stream's settings as the form shows them."""
    return {
        "title": stream.title,
        "question": queue.question,
        "answers": "\n".join(answers),
        "multiple": kind == "labels",
        "schema": schema,
        "guidelines": guidelines,
        "error_types": "\n".join(queue.error_types),
        "display": line_syntax.format_pairs(queue.display),
        "owner": stream.owner,
        "risk": stream.risk,
        "reserve_minutes": queue.reserve_minutes,
        "max_waiting": stream.max_waiting,
    }
