"""The lists of a policy as rows of its form: thresholds of answers and segments, rules, and costs of single errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation.forms import text_values
from escalation.forms.rows import Column, Row, RowCodec, RowLayout, join_unique
from escalation.forms.text_values import InvalidText

type LabelAmounts = Mapping[str, float | None]  # the costs of one label, `missed` and `invented`

# Ids of the page's lists of suggestions.
ANSWERS_LIST, SUBJECTS_LIST, SEGMENT_KEYS_LIST = "known-answers", "known-subjects", "known-segment-keys"
SEGMENT_PREFIX = "segment."
NUMERIC_SUBJECTS = frozenset({"confidence", "value"})
OPERATORS = (("gte", "≥"), ("gt", ">"), ("lte", "≤"), ("lt", "<"), ("eq", "="), ("in", gettext_lazy("one of")))

_THRESHOLD = Column("threshold", gettext_lazy("Threshold in percent"), kind="percent", before=gettext_lazy("from"))

THRESHOLDS_LAYOUT = RowLayout(
    (
        Column("answer", gettext_lazy("Answer"), suggestions=ANSWERS_LIST, placeholder=gettext_lazy("refund")),
        _THRESHOLD,
    ),
    add=gettext_lazy("Add an answer"),
)
SEGMENTS_LAYOUT = RowLayout(
    (
        Column(
            "when",
            gettext_lazy("Segment"),
            kind="rows",
            rows=RowLayout(
                (
                    Column(
                        "key", gettext_lazy("Key"), suggestions=SEGMENT_KEYS_LIST, placeholder=gettext_lazy("language")
                    ),
                    Column("value", gettext_lazy("Value"), before="=", placeholder=gettext_lazy("de")),
                ),
                add=gettext_lazy("And"),
            ),
        ),
        _THRESHOLD,
    ),
    add=gettext_lazy("Add a segment"),
)
RULES_LAYOUT = RowLayout(
    (
        Column("name", gettext_lazy("Name"), placeholder=gettext_lazy("large amounts")),
        Column(
            "conditions",
            gettext_lazy("Conditions"),
            kind="rows",
            rows=RowLayout(
                (
                    Column(
                        "subject", gettext_lazy("Field"), suggestions=SUBJECTS_LIST, placeholder=gettext_lazy("value")
                    ),
                    Column("operator", gettext_lazy("Comparison"), kind="select", choices=OPERATORS),
                    Column("operand", gettext_lazy("Value to compare with"), placeholder="1000"),
                ),
                add=gettext_lazy("And"),
            ),
        ),
    ),
    add=gettext_lazy("Add a rule"),
)
MATRIX_LAYOUT = RowLayout(
    (
        Column(
            "predicted",
            gettext_lazy("Model’s answer"),  # noqa: RUF001 - an apostrophe
            suggestions=ANSWERS_LIST,
            placeholder=gettext_lazy("billing"),
        ),
        Column(
            "true",
            gettext_lazy("Right answer"),
            before="→",
            suggestions=ANSWERS_LIST,
            placeholder=gettext_lazy("refund"),
        ),
        Column("cost", gettext_lazy("Cost"), kind="number", before=gettext_lazy("costs")),
    ),
    add=gettext_lazy("Add an error"),
)

LABEL_COSTS_LAYOUT = RowLayout(
    (
        Column("answer", gettext_lazy("Answer"), suggestions=ANSWERS_LIST, placeholder=gettext_lazy("urgent")),
        Column("missed", gettext_lazy("Cost if missed"), kind="number", before=gettext_lazy("missed")),
        Column("invented", gettext_lazy("Cost if invented"), kind="number", before=gettext_lazy("invented")),
    ),
    add=gettext_lazy("Add an answer"),
)
FIELD_COSTS_LAYOUT = RowLayout(
    (
        Column("field", gettext_lazy("Field"), placeholder="/total"),
        Column("cost", gettext_lazy("Cost"), kind="number", before=gettext_lazy("costs")),
    ),
    add=gettext_lazy("Add a field"),
)


def _read_threshold(row: Row) -> tuple[str, float]:
    return _require(row["answer"], _("Enter the answer.")), _read_percent(row["threshold"])


def _write_threshold(item: tuple[str, float]) -> Row:
    return {"answer": item[0], "threshold": text_values.format_percent(item[1])}


def _read_segment(row: Row) -> dict[str, Any]:
    pairs = [
        (_require(part["key"], _("Enter the key of the segment.")), part["value"])
        for part in row["when"]
        if part["key"] or part["value"]
    ]
    if not pairs:
        raise InvalidText(_("Enter the key of the segment."))
    return {"when": join_unique(pairs), "threshold": _read_percent(row["threshold"])}


def _write_segment(item: Mapping[str, Any]) -> Row:
    return {
        "when": [{"key": key, "value": value} for key, value in item["when"].items()],
        "threshold": text_values.format_percent(item["threshold"]),
    }


def _read_rule(row: Row) -> dict[str, Any]:
    name = _require(row["name"].strip(), _("Give the rule a name."))
    when: dict[str, dict[str, Any]] = {}
    for part in row["conditions"]:
        if not (part["subject"].strip() or part["operand"]):
            continue
        subject, operator = _read_subject(part["subject"].strip()), part["operator"]
        tests = when.setdefault(subject, {})
        if operator in tests:
            raise InvalidText(
                _("“%(subject)s %(symbol)s” is written twice. Combine the two, or make two rules.")
                % {"subject": subject, "symbol": dict(OPERATORS).get(operator, operator)}
            )
        tests[operator] = _read_operand(subject, operator, part["operand"])
    if not when:
        raise InvalidText(_("Enter a condition."))
    return {"name": name, "when": when}


def _write_rule(item: Mapping[str, Any]) -> Row:
    return {
        "name": item["name"],
        "conditions": [
            {"subject": subject, "operator": operator, "operand": _write_operand(operand)}
            for subject, tests in item["when"].items()
            for operator, operand in tests.items()
        ],
    }


def _read_subject(text: str) -> str:
    """The field that a condition is about. Raises InvalidText if there is no such field."""
    if text in NUMERIC_SUBJECTS or text == "prediction":
        return text
    if text.startswith(SEGMENT_PREFIX) and text != SEGMENT_PREFIX:
        return text
    raise InvalidText(
        _("“%(text)s” is not a field. Compare value, confidence, prediction or segment.<key>.") % {"text": text}
    )


def _read_operand(subject: str, operator: str, text: str) -> Any:
    _require(text.strip(), _("Enter a value to compare with."))
    read: Callable[[str], Any] = text_values.parse_number if subject in NUMERIC_SUBJECTS else str
    if operator == "in":
        return [read(part) for part in text_values.parse_list(text)]
    return read(text)


def _write_operand(operand: Any) -> str:
    if isinstance(operand, list):
        return text_values.format_list(_write_operand(one) for one in operand)
    return operand if isinstance(operand, str) else text_values.format_number(operand)


def _read_cost(row: Row) -> tuple[tuple[str, str], float]:
    predicted = _require(row["predicted"], _("Enter the model’s answer."))  # noqa: RUF001 - an apostrophe
    true = _require(row["true"], _("Enter the right answer."))
    return (predicted, true), text_values.parse_number(_require(row["cost"].strip(), _("Enter the cost.")))


def _write_cost(item: tuple[tuple[str, str], float]) -> Row:
    (predicted, true), cost = item
    return {"predicted": predicted, "true": true, "cost": text_values.format_number(cost)}


def _read_label_costs(row: Row) -> tuple[str, LabelAmounts]:
    answer = _require(row["answer"], _("Enter the answer."))
    costs = {name: _read_optional(row[name]) for name in ("missed", "invented")}
    if set(costs.values()) == {None}:
        raise InvalidText(_("Enter the cost."))
    return answer, costs


def _write_label_costs(item: tuple[str, LabelAmounts]) -> Row:
    answer, costs = item
    return {
        "answer": answer,
        **{name: "" if cost is None else text_values.format_number(cost) for name, cost in costs.items()},
    }


def _read_field_cost(row: Row) -> tuple[str, float]:
    field = _require(row["field"].strip(), _("Enter the field."))
    return field, text_values.parse_number(_require(row["cost"].strip(), _("Enter the cost.")))


def _write_field_cost(item: tuple[str, float]) -> Row:
    return {"field": item[0], "cost": text_values.format_number(item[1])}


def _read_optional(text: str) -> float | None:
    return text_values.parse_number(text.strip()) if text.strip() else None


def _split_matrix(matrix: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[tuple[str, str], float]]:
    return (((predicted, true), cost) for predicted, row in matrix.items() for true, cost in row.items())


def _join_matrix(items: Sequence[tuple[tuple[str, str], float]]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for (predicted, true), cost in join_unique(items).items():
        found.setdefault(predicted, {})[true] = cost
    return found


def _read_percent(text: str) -> float:
    return text_values.parse_percent(_require(text.strip(), _("Enter the threshold in percent.")))


def _require(text: str, error: str) -> str:
    if not text:
        raise InvalidText(error)
    return text


THRESHOLDS_CODEC: RowCodec[Mapping[str, float], tuple[str, float]] = RowCodec(
    split=lambda thresholds: thresholds.items(), join=join_unique, write=_write_threshold, read=_read_threshold
)
SEGMENTS_CODEC: RowCodec[Sequence[Mapping[str, Any]], Mapping[str, Any]] = RowCodec(
    split=lambda segments: segments, join=list, write=_write_segment, read=_read_segment
)
RULES_CODEC: RowCodec[Sequence[Mapping[str, Any]], Mapping[str, Any]] = RowCodec(
    split=lambda rules: rules, join=list, write=_write_rule, read=_read_rule
)
MATRIX_CODEC: RowCodec[Mapping[str, Mapping[str, float]], tuple[tuple[str, str], float]] = RowCodec(
    split=_split_matrix, join=_join_matrix, write=_write_cost, read=_read_cost
)
LABEL_COSTS_CODEC: RowCodec[Mapping[str, LabelAmounts], tuple[str, LabelAmounts]] = RowCodec(
    split=lambda costs: costs.items(), join=join_unique, write=_write_label_costs, read=_read_label_costs
)
FIELD_COSTS_CODEC: RowCodec[Mapping[str, float], tuple[str, float]] = RowCodec(
    split=lambda costs: costs.items(), join=join_unique, write=_write_field_cost, read=_read_field_cost
)
