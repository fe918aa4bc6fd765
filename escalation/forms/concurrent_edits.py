"""Two people with the same form open: the second save must neither undo nor hide what the first one saved.

The form carries a fingerprint of each value as it was shown. A field that has been saved since, and that this person
did not touch, takes the new value; one that both changed is an error, which says what stands there now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

SHOWN_FIELD = "shown"
MAX_QUOTED_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class RebasedForm:
    """The posted form on top of what is stored now.

    `saved_since`: fields that were saved while it was open, and their values now; without those that were posted with
    that very value, as by a second click on Save. `conflicts`: those of them that were changed here, too.
    """

    data: QueryDict
    saved_since: Mapping[str, str]
    conflicts: frozenset[str]


class ShownValuesMixin(forms.Form):
    """Adds the fingerprints of what the form shows to the form."""

    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial[SHOWN_FIELD] = _encode_fingerprints(self)


def rebase_form(data: QueryDict, fresh: forms.Form) -> RebasedForm:
    """Put what was posted on top of `fresh`, an unbound form of what is stored now.

    A form without fingerprints, as a script may send it, is taken as it is.
    """
    seen = _decode_fingerprints(data.get(SHOWN_FIELD, ""))
    posted = {field.name: _show_posted(field, data) for field in fresh if field.name in seen}
    saved_since = {
        name: value
        for name, value in ((name, _show_value(fresh[name])) for name in posted)
        if _fingerprint(value) != seen[name] and value != posted[name]
    }
    conflicts = {name for name in saved_since if _fingerprint(posted[name]) != seen[name]}
    rebased = data.copy()
    rebased[SHOWN_FIELD] = fresh.initial[SHOWN_FIELD]
    for name in saved_since.keys() - conflicts:
        _replace_posted(rebased, fresh[name], saved_since[name])
    return RebasedForm(rebased, saved_since, frozenset(conflicts))


def add_conflicts(form: forms.Form, rebased: RebasedForm, *, who: str, at: datetime) -> None:
    """Say what was saved meanwhile, and by whom: for the whole form, and at each field that both changed."""
    named = ", ".join(str(form.fields[name].label) for name in rebased.saved_since)
    form.add_error(
        None,
        _(
            "%(who)s saved changes to this stream at %(time)s, while you had it open: %(fields)s. Your own changes are "
            "still here. Check the fields, and save again."
        )
        % {"who": who, "time": date_format(localtime(at), "H:i"), "fields": named},
    )
    for name in rebased.conflicts:
        now = Truncator(rebased.saved_since[name]).chars(MAX_QUOTED_CHARACTERS)
        sentence = _("%(who)s changed this to “%(value)s”. If you save again, your text replaces it.")
        form.add_error(name, sentence % {"who": who, "value": now})


def _encode_fingerprints(form: forms.Form) -> str:
    return json.dumps({field.name: _fingerprint(_show_value(field)) for field in form if field.name != SHOWN_FIELD})


def _decode_fingerprints(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _fingerprint(shown: str) -> str:
    return hashlib.sha256(shown.encode()).hexdigest()[:16]


def _show_value(field: BoundField) -> str:
    """The stored value as the browser would send it back."""
    if isinstance(field.field, forms.BooleanField):
        return "on" if field.initial else ""
    return _normalise(field.field.widget.format_value(field.field.prepare_value(field.initial)))


def _show_posted(field: BoundField, data: QueryDict) -> str:
    value = field.field.widget.value_from_datadict(data, {}, field.html_name)
    if isinstance(field.field, forms.BooleanField):
        return "on" if value else ""
    return _normalise(value)


def _replace_posted(data: QueryDict, field: BoundField, value: str) -> None:
    if value or not isinstance(field.field, forms.BooleanField):
        data[field.html_name] = value
    else:
        data.pop(field.html_name, None)


def _normalise(value: Any) -> str:
    if isinstance(value, (list, tuple)):  # what a select shows
        value = "".join(value)
    return "" if value is None else str(value).replace("\r\n", "\n").replace("\r", "\n")
