"""Which parts of a policy can take effect in a stream, by the kind of its answers. Pure.

| part | label | labels | structured |
|---|---|---|---|
| `threshold`, `segments`, rules on `confidence`, `value`, `segment.*` | yes | yes | yes |
| `thresholds` | the answer's threshold | the decision about each label | a field's, by its JSON Pointer |
| rules on `prediction` | the answer | any predicted label | no |
| `costs.matrix` | yes | no: a set of labels has no single true one | no |
| `costs.missed`, `costs.invented`, `costs.by_label` | no | where errors are counted by label | no |
| `costs.by_field` | no | no | yes |

A part that names an answer or a field has to name one of the stream's, spelled as the stream spells it. A rule has to
be able to apply, and none may repeat the conditions of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from escalation.policies import rule_logic
from escalation.policies.conditions import Scalar
from escalation.policies.spec import PolicySpec, Rule
from reviewqueue.answers import schema
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel.choices import guess_choice
from reviewqueue.kernel.json_pointer import format_pointer

MAX_NAMED_ANSWERS = 8


@dataclass(frozen=True, slots=True)
class Misfit:
    """A part of a policy that could never take effect; `pointer` is where it stands in the policy."""

    pointer: str
    detail: str


def find_misfits(policy: PolicySpec, form: AnswerSpec) -> list[Misfit]:
    """The parts of the policy that could not apply as written in a stream with these answers; empty if all fit."""
    return [
        *_threshold_misfits(policy, form),
        *_segment_misfits(policy),
        *_rule_misfits(policy, form),
        *_matrix_misfits(policy, form),
        *_label_cost_misfits(policy, form),
        *_field_cost_misfits(policy, form),
    ]


def _threshold_misfits(policy: PolicySpec, form: AnswerSpec) -> Iterator[Misfit]:
    if form.kind == schema.STRUCTURED:
        known = [field.pointer for field in form.fields]
        for pointer in policy.thresholds:
            yield from _unknown_field(["thresholds", pointer], pointer, known)
        return
    for answer in policy.thresholds:
        yield from _unknown_answer(["thresholds", answer], answer, form)


def _segment_misfits(policy: PolicySpec) -> Iterator[Misfit]:
    for place, part in enumerate(policy.segments):
        if not part.when:
            yield _misfit(
                ["segments", place, "when"],
                _("A segment without a key would replace the threshold of every output. Write its key and value."),
            )


def _rule_misfits(policy: PolicySpec, form: AnswerSpec) -> Iterator[Misfit]:
    for place, rule in enumerate(policy.rules):
        wrong = list(_condition_misfits(place, rule, form))
        yield from wrong or _contradictions(place, rule, form)
    for place, earlier in rule_logic.find_repeated(policy.rules):
        text = _("The rule “%(name)s” has the same conditions as “%(earlier)s”, which comes first. Remove one of them.")
        names = {"name": policy.rules[place].name, "earlier": earlier.name}
        yield _misfit(["rules", place, "when"], text % names)


def _contradictions(place: int, rule: Rule, form: AnswerSpec) -> Iterator[Misfit]:
    subject = rule_logic.find_contradiction(rule, one_label=form.kind == schema.LABEL)
    if subject is not None:
        text = _(
            "The rule “%(name)s” would never apply: no output can meet its conditions on %(subject)s. Correct them."
        )
        yield _misfit(["rules", place, "when", subject], text % {"name": rule.name, "subject": subject})


def _condition_misfits(place: int, rule: Rule, form: AnswerSpec) -> Iterator[Misfit]:
    for subject, operator, operand in _conditions(rule):
        path = ["rules", place, "when", subject, operator]
        if operand == []:
            yield _misfit(path, _("The list is empty, so the rule would never apply. List at least one value."))
        elif subject == "confidence":
            yield from _impossible_confidences(path, operand)
        elif subject == "prediction":
            yield from _prediction_misfits(path, operand, form)


def _prediction_misfits(path: Sequence[object], operand: Scalar | list[Scalar], form: AnswerSpec) -> Iterator[Misfit]:
    if form.kind == schema.STRUCTURED:
        yield _misfit(
            path,
            _(
                "The answers of this stream have fields, so a rule cannot compare the prediction. "
                "Use `confidence`, `value` or `segment.KEY`."
            ),
        )
        return
    for at, value in _located_values(path, operand):
        yield from _unknown_answer(at, str(value), form)


def _impossible_confidences(path: Sequence[object], operand: Scalar | list[Scalar]) -> Iterator[Misfit]:
    for at, value in _located_values(path, operand):
        if isinstance(value, (int, float)) and not 0 <= value <= 1:
            yield _misfit(at, _("A confidence is a number from 0 to 1, not %(value)s.") % {"value": f"{value:g}"})


def _matrix_misfits(policy: PolicySpec, form: AnswerSpec) -> Iterator[Misfit]:
    matrix = policy.costs.matrix
    if form.kind != schema.LABEL:
        if matrix:
            yield _misfit(
                ["costs", "matrix"],
                _(
                    "The costs of single errors need a stream with one answer per output. "
                    "Remove them and set the cost of an error."
                ),
            )
        return
    for predicted, row in matrix.items():
        yield from _unknown_answer(["costs", "matrix", predicted], predicted, form)
        for true in row:
            yield from _unknown_answer(["costs", "matrix", predicted, true], true, form)


def _label_cost_misfits(policy: PolicySpec, form: AnswerSpec) -> Iterator[Misfit]:
    costs = policy.costs
    given = [name for name in ("missed", "invented") if getattr(costs, name) is not None]
    if form.has_label_errors:
        for label in costs.by_label:
            yield from _unknown_answer(["costs", "by_label", label], label, form)
        return
    for name in [*given, *(["by_label"] if costs.by_label else [])]:
        yield _misfit(
            ["costs", name],
            _(
                "The costs of missed and invented answers need a stream that counts each of these as an error. "
                "Remove them and set the cost of an error."
            ),
        )


def _field_cost_misfits(policy: PolicySpec, form: AnswerSpec) -> Iterator[Misfit]:
    known = [field.pointer for field in form.fields]
    for pointer in policy.costs.by_field:
        if form.kind == schema.STRUCTURED:
            yield from _unknown_field(["costs", "by_field", pointer], pointer, known)
        else:
            detail = _("The answers of this stream have no fields. Set the cost of an error.")
            yield _misfit(["costs", "by_field", pointer], detail)


def _unknown_answer(path: Sequence[object], answer: str, form: AnswerSpec) -> Iterator[Misfit]:
    if answer in form.answers:
        return
    similar = guess_choice(answer, form.answers)
    if similar is not None:
        text = _("“%(answer)s” is not an answer of this stream. Did you mean “%(similar)s”?")
        yield _misfit(path, text % {"answer": answer, "similar": similar})
        return
    text = _("“%(answer)s” is not an answer of this stream. Its answers: %(listed)s.")
    yield _misfit(path, text % {"answer": answer, "listed": _list_some(form.answers)})


def _unknown_field(path: Sequence[object], pointer: str, known: Sequence[str]) -> Iterator[Misfit]:
    """A field is a leaf of the schema or a list as a whole, named by its JSON Pointer."""
    if pointer in known:
        return
    if not known:
        text = _("The schema of this stream's answers describes no fields, or too many for thresholds of their own.")
        yield _misfit(path, text)
        return
    similar = _guess_field(pointer, known)
    if similar is not None:
        text = _("“%(pointer)s” is not a field of this stream's answers. Did you mean “%(similar)s”?")
        yield _misfit(path, text % {"pointer": pointer, "similar": similar})
        return
    text = _("“%(pointer)s” is not a field of this stream's answers. Its fields: %(listed)s.")
    yield _misfit(path, text % {"pointer": pointer, "listed": _list_some(known)})


def _guess_field(pointer: str, known: Sequence[str]) -> str | None:
    """The field that was meant: a list is one field, and a group is none, but its members are."""
    related = (field for field in known if pointer.startswith(f"{field}/") or field.startswith(f"{pointer}/"))
    return next(related, None) or guess_choice(pointer if pointer.startswith("/") else f"/{pointer}", known)


def _list_some(names: Sequence[str]) -> str:
    listed = ", ".join(f"“{one}”" for one in names[:MAX_NAMED_ANSWERS])
    return f"{listed}, …" if len(names) > MAX_NAMED_ANSWERS else listed


def _conditions(rule: Rule) -> Iterator[tuple[str, str, Scalar | list[Scalar]]]:
    for subject, tests in rule.when.items():
        for operator, operand in tests.items():
            yield subject, operator, operand


def _located_values(path: Sequence[object], operand: Scalar | list[Scalar]) -> Iterator[tuple[list[object], Scalar]]:
    """The values of an operand, each with its path."""
    if not isinstance(operand, list):
        yield list(path), operand
        return
    for place, value in enumerate(operand):
        yield [*path, place], value


def _misfit(path: Sequence[object], detail: str) -> Misfit:
    return Misfit(format_pointer(path), detail)
