"""What a change of a stream's answers means for the policy in effect. Pure.

A policy version was approved for the answers that the stream had then. The same settings under other answers can
automate outputs that nobody approved: a new answer falls under the overall threshold, and several labels at once are
judged differently from one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from escalation.policies.spec import PolicySpec, Rule, only_tightens
from reviewqueue.answers import schema
from reviewqueue.answers.schema import AnswerSpec

# Keywords that say something about a schema and never decide what is valid.
_ANNOTATIONS = frozenset({"title", "description", "examples", "$comment", "deprecated"})
# Keywords whose value is a mapping from names to schemas: a property may be called "title".
_SCHEMAS_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
# Keywords whose value is data, not a schema.
_DATA = frozenset({"enum", "const", "default", "required", "dependentRequired"})
_REFERENCES = frozenset({"$ref", "$dynamicRef"})
# A reference elsewhere could make a rule of what is otherwise an annotation.
_PLAIN_REFERENCE = re.compile(r"#/(?:\$defs|definitions)/[^/]+")


def cannot_loosen(*, old: PolicySpec, old_form: AnswerSpec, new: PolicySpec, new_form: AnswerSpec) -> bool:
    """Whether policy and answers together can only send more outputs to review than before.

    `new` has to fit `new_form`. What the old policy says of answers that are gone protects nothing any more, so that
    it may go with them.
    """
    return form_cannot_loosen(old_form, new_form) and only_tightens(restrict_to_form(old, new_form), new)


def form_cannot_loosen(old: AnswerSpec, new: AnswerSpec) -> bool:
    """Whether the same policy can automate no more outputs under the new answers than under the old ones.

    True for another order, for fewer answers where an output has one of them, and for schemas that differ only in what
    they say to people. With several labels per output, a label that goes takes its part in the decision with it, and
    another definition of an error changes what every figure and guarantee says of the same outputs.
    """
    if old.kind != new.kind:
        return False
    if new.kind == schema.LABEL:
        return set(new.answers) <= set(old.answers)
    if new.kind == schema.LABELS:
        return set(new.answers) == set(old.answers) and new.error_unit == old.error_unit
    return _canonical_schema(old.schema) == _canonical_schema(new.schema)


def restrict_to_form(policy: PolicySpec, form: AnswerSpec) -> PolicySpec:
    """The policy without what it says of answers that a stream with one answer per output does not have."""
    if form.kind != schema.LABEL:
        return policy
    known = frozenset(form.answers)
    matrix = {
        predicted: {true: cost for true, cost in row.items() if true in known}
        for predicted, row in policy.costs.matrix.items()
        if predicted in known
    }
    return msgspec.structs.replace(
        policy,
        thresholds={answer: share for answer, share in policy.thresholds.items() if answer in known},
        rules=[kept for rule in policy.rules if (kept := _restrict_rule(rule, known)) is not None],
        costs=msgspec.structs.replace(policy.costs, matrix={name: row for name, row in matrix.items() if row}),
    )


def _restrict_rule(rule: Rule, known: frozenset[str]) -> Rule | None:
    """The rule without predictions that cannot occur; None if nothing is left that it could match."""
    tests: dict[str, Any] = {}
    for operator, operand in rule.when.get("prediction", {}).items():
        if not isinstance(operand, list):
            possible = operand in known
            tests[operator] = operand
        else:
            possible = any(one in known for one in operand)
            tests[operator] = [one for one in operand if one in known]
        if not possible:
            return None
    return msgspec.structs.replace(rule, when={**rule.when, "prediction": tests}) if tests else rule


def _canonical_schema(root: Mapping[str, Any] | None) -> str:
    plain = all(isinstance(one, str) and _PLAIN_REFERENCE.fullmatch(one) for one in _list_references(root))
    return json.dumps(_strip_annotations(root) if plain else root, sort_keys=True)


def _list_references(part: Any) -> Iterator[Any]:
    if isinstance(part, Mapping):
        yield from (value for keyword, value in part.items() if keyword in _REFERENCES)
    for inner in part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ():
        yield from _list_references(inner)


def _strip_annotations(part: Any) -> Any:
    """The schema without annotations; names of properties are no keywords, and data is kept as it is."""
    if isinstance(part, list):
        return [_strip_annotations(one) for one in part]
    if not isinstance(part, Mapping):
        return part
    return {
        keyword: value
        if keyword in _DATA
        else {name: _strip_annotations(one) for name, one in value.items()}
        if keyword in _SCHEMAS_BY_NAME and isinstance(value, Mapping)
        else _strip_annotations(value)
        for keyword, value in part.items()
        if keyword not in _ANNOTATIONS
    }
