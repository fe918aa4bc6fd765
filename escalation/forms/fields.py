"""Form fields that lose nothing: what is shown parses back to what is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms

from escalation.forms import text_values
from escalation.forms.text_values import InvalidText


class StoredValuesForm(forms.Form):
    """A form whose untouched fields keep the stored values, whatever their text looks like or their limits are now."""

    def __init__(self, *args: Any, stored: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored = dict(stored or {})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in self.stored.items():
            if name not in self.changed_data or self._shows_same_text(name):
                self.errors.pop(name, None)
                cleaned[name] = value
        return cleaned

    def _shows_same_text(self, name: str) -> bool:
        """Whether the text of a field came back as it was shown; its value may differ, as edge blanks are cut off."""
        field = self[name]
        shown = field.field.widget.format_value(field.field.prepare_value(field.initial))
        return (
            isinstance(field.data, str) and isinstance(shown, str) and _unify_lines(field.data) == _unify_lines(shown)
        )


class MultilineField(forms.CharField):
    """Text with line breaks as `\\n`, whatever the browser sends, and with its blanks."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        return _unify_lines(super().to_python(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.to_python(initial), data)


class LinesField(MultilineField):
    """Text parsed line by line into a list or a mapping; errors name their line."""

    def __init__(self, *, read: Callable[[str], Any], rows: int = 3, placeholder: str = "", **kwargs: Any) -> None:
        widget = forms.Textarea(
            attrs={"rows": rows, "placeholder": placeholder, "spellcheck": "false", "class": "lines"}
        )
        super().__init__(required=False, widget=widget, **kwargs)
        self.read = read

    def clean(self, value: Any) -> Any:
        try:
            return self.read(super().clean(value))
        except InvalidText as error:
            raise forms.ValidationError(str(error), code="lines") from error


class PercentField(forms.CharField):
    """A share, shown and typed in percent, exact to the last digit; None if it is empty."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.NumberInput(attrs={"step": "any", "min": 0, "max": 100, "class": "short"})
        super().__init__(required=False, widget=widget, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return text_values.parse_percent(text) if text else None
        except InvalidText as error:
            raise forms.ValidationError(str(error), code="percent") from error


def _unify_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
