"""What everybody gave in each asked field, for the final say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from reviewqueue.answers import field_equality, fields, json_schema, partial
from reviewqueue.answers.fields import AnswerField
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.content import format_plain
from reviewqueue.desk.structured.layout import label_for
from reviewqueue.queue.claim_view import Claim
from reviewqueue.verdicts import settlement


@dataclass(frozen=True)
class GivenValue:
    """A value, and who gave it: the usernames of reviewers, and "" for the AI."""

    value: str
    people: Sequence[str]

    @property
    def by(self) -> str:
        return ", ".join(person or _("the AI") for person in self.people)


@dataclass(frozen=True)
class FieldOpinions:
    """The different values of a field; `disputed` if reviewers gave more than one."""

    label: str
    values: Sequence[GivenValue]
    disputed: bool


@dataclass(frozen=True)
class AskedOpinions:
    """The asked fields: those in which somebody differs, disputed ones first, and those in which all are the same."""

    different: Sequence[FieldOpinions]
    same: Sequence[FieldOpinions]


def compare_asked_fields(claim: Claim) -> AskedOpinions | None:
    """None unless the claim is a final say on some fields of an answer."""
    if not claim.final_say or claim.item.asked is None:
        return None
    form = _get_form(claim)
    given = [("", claim.item.proposal)]
    given += [(one.person, one.answer) for one in claim.others if _gave_answer(one.kind)]
    compared = [_compare_field(field, given, form) for field in _list_asked(claim, form)]
    different = [one for one in compared if len(one.values) > 1]
    return AskedOpinions(
        different=sorted(different, key=lambda one: not one.disputed),
        same=[one for one in compared if len(one.values) == 1],
    )


def suggest_answer(claim: Claim) -> Any:
    """The AI's answer with the values that all reviewers agree on, to begin a final say with."""
    form, given = _get_form(claim), [one.answer for one in claim.others if _gave_answer(one.kind)]
    agreed = [
        field.pointer
        for field in _list_asked(claim, form)
        if len({field_equality.build_field_key(answer, field, form) for answer in given}) == 1
    ]
    return partial.merge(given[0], claim.item.proposal, agreed) if agreed else claim.item.proposal


def describe_changes(claim: Claim, answer: Any) -> str:
    """The asked fields in which an answer differs from the AI's, with their values."""
    form = _get_form(claim)
    changed = [
        f"{_label_field(field, form)}: {_format_value(fields.find_value(answer, field.path))}"
        for field in _list_asked(claim, form)
        if field_equality.build_field_key(answer, field, form)
        != field_equality.build_field_key(claim.item.proposal, field, form)
    ]
    return "; ".join(changed) or _("the same as the AI")


def _get_form(claim: Claim) -> AnswerSpec:
    return AnswerSpec(claim.item.kind, schema=claim.item.schema)


def _list_asked(claim: Claim, form: AnswerSpec) -> list[AnswerField]:
    asked = frozenset(claim.item.asked or ())
    return [field for field in form.fields if field.pointer in asked]


def _gave_answer(kind: str) -> bool:
    return settlement.OUTCOMES_BY_KIND.get(kind) == settlement.ANSWERED


def _compare_field(field: AnswerField, given: Sequence[tuple[str, Any]], form: AnswerSpec) -> FieldOpinions:
    values: dict[str, GivenValue] = {}
    for person, answer in given:
        key = field_equality.build_field_key(answer, field, form)
        known = values.get(key)
        value = _format_value(fields.find_value(answer, field.path)) if known is None else known.value
        values[key] = GivenValue(value, [*(known.people if known else ()), person])
    by_people = sum(any(one.people) for one in values.values())
    return FieldOpinions(_label_field(field, form), list(values.values()), disputed=by_people > 1)


def _label_field(field: AnswerField, form: AnswerSpec) -> str:
    """The labels of the objects that the field is in, and its own."""
    root = form.schema or {}
    shape, labels = json_schema.parse_shape(root, root), []
    for name in field.path:
        shape = json_schema.parse_shape(shape.properties.get(name), root)
        labels.append(label_for(shape, name))
    return ": ".join(labels)


def _format_value(value: Any) -> str:
    match value:
        case None | "" | []:
            return "–"  # noqa: RUF001 - stands for an empty value
        case bool():
            return _("yes") if value else _("no")
        case str():
            return value
        case list():
            return "\n".join(_format_entry(entry) for entry in value)
        case _:
            return format_plain(value)


def _format_entry(entry: Any) -> str:
    if isinstance(entry, Mapping):
        return " · ".join(_format_value(value) for value in entry.values())
    return format_plain(entry)
