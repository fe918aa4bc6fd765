"""What a written policy lets out, read sentence by sentence from the documentation: an oracle for the product.

Works on the posted output and the policy's plain data, and shares no code with the product.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

ANSWERS = ["billing", "refund", "card_arrival"]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["total"],
    "additionalProperties": False,
    "properties": {"total": {"type": "number", "minimum": 0}, "supplier": {"type": "string"}},
}
FIELDS = ["/total", "/supplier"]
# How each kind of stream describes its answers.
FORMS: dict[str, dict[str, Any]] = {
    "label": {"answers": ANSWERS},
    "labels": {"answers": ANSWERS, "multiple": True},
    "structured": {"schema": SCHEMA},
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda fact, operand: fact == operand,
    "in": lambda fact, operand: fact in operand,
    "lt": lambda fact, operand: fact < operand,
    "lte": lambda fact, operand: fact <= operand,
    "gt": lambda fact, operand: fact > operand,
    "gte": lambda fact, operand: fact >= operand,
}


def may_be_released(policy: Mapping[str, Any], output: Mapping[str, Any]) -> bool:
    """Whether a policy without audits automates an output."""
    answer, confidence = output["prediction"], output.get("confidence", _implied_confidence(output))
    if confidence is None or (isinstance(answer, dict) and not _fits_schema(answer)):
        return False
    if policy.get("model_versions") and output.get("model_version", "") not in policy["model_versions"]:
        return False
    sent = output.get("segment", {})
    if "language" in output and "language" not in {_fold(key) for key in sent}:
        sent = {**sent, "language": output["language"]}
    segment = {_fold(key): _fold(value) for key, value in sent.items()}
    if any(_may_apply(rule, output, confidence, segment) for rule in policy.get("rules", [])):
        return False
    # What a missing key or another spelling leaves open is decided for the stricter.
    matches = [(_matches(part["when"], sent, segment), part["threshold"]) for part in policy.get("segments", [])]
    specific = [threshold for match, threshold in matches if match is True]
    thresholds = policy.get("thresholds", {})
    if isinstance(answer, dict) and thresholds:
        return not list_asked_fields(policy, output)
    if isinstance(answer, str) and answer in thresholds:
        specific.append(thresholds[answer])
    overall = 2.0 if policy.get("threshold") is None else policy["threshold"]
    required = max([*(specific or [overall]), *(threshold for match, threshold in matches if match is None)])
    return confidence >= required and all(
        sure >= thresholds[label] for label, sure in _sure_of_labels(output, confidence).items() if label in thresholds
    )


def list_asked_fields(policy: Mapping[str, Any], output: Mapping[str, Any]) -> list[str]:
    """The fields that reviewers have to give, where nothing sends the whole output to them."""
    sent = {"language": output["language"]} if "language" in output else {}
    sent |= output.get("segment", {})
    segment = {_fold(key): _fold(value) for key, value in sent.items()}
    matches = [(_matches(part["when"], sent, segment), part["threshold"]) for part in policy.get("segments", [])]
    overall = 2.0 if policy.get("threshold") is None else policy["threshold"]
    asked = []
    for field in FIELDS:
        specific = [threshold for match, threshold in matches if match is True]
        specific += [policy["thresholds"][field]] if field in policy["thresholds"] else []
        required = max([*(specific or [overall]), *(threshold for match, threshold in matches if match is None)])
        scores = {"/" + key.removeprefix("/"): score for key, score in (output.get("scores") or {}).items()}
        sure = scores.get(field, output.get("confidence"))
        if sure is None or sure < required:
            asked.append(field)
    return asked


def is_held_as_a_whole(policy: Mapping[str, Any], output: Mapping[str, Any]) -> bool:
    """Whether something holds an answer with fields that no field can help, such as a rule."""
    confidence = output.get("confidence", _implied_confidence(output))
    sure = {**output, "confidence": confidence, "scores": dict.fromkeys(FIELDS, 1.0)}
    return not may_be_released({**policy, "segments": [], "thresholds": dict.fromkeys(FIELDS, 0.0)}, sure)


def _implied_confidence(output: Mapping[str, Any]) -> float | None:
    answer, scores = output["prediction"], output.get("scores") or {}
    if isinstance(answer, str):
        return scores.get(answer)
    if isinstance(answer, list):
        return min(_decided(answer, scores).values()) if scores and set(answer) <= scores.keys() else None
    return min((score for key, score in scores.items() if key.removeprefix("/") in answer), default=None)


def _decided(answer: list[str], scores: Mapping[str, float]) -> dict[str, float]:
    return {label: score if label in answer else 1 - score for label, score in scores.items()}


def _sure_of_labels(output: Mapping[str, Any], confidence: float) -> dict[str, float]:
    """How sure the model is of each label of a set."""
    answer = output["prediction"]
    if not isinstance(answer, list):
        return {}
    return dict.fromkeys(answer, confidence) | _decided(answer, output.get("scores") or {})


def _fits_schema(answer: Mapping[str, Any]) -> bool:
    total, supplier = answer.get("total"), answer.get("supplier", "")
    return isinstance(total, int | float) and total >= 0 and isinstance(supplier, str) and len(answer) <= 2 and (
        set(answer) <= {"total", "supplier"}
    )  # fmt: skip


def _may_apply(
    rule: Mapping[str, Any], output: Mapping[str, Any], confidence: float, segment: Mapping[str, str]
) -> bool:
    """Whether a rule applies, or could if what is missing were known."""
    answer = output["prediction"]
    facts: dict[str, list[Any] | None] = {
        "confidence": [confidence],
        "value": [output["value"]] if output.get("value") is not None else None,
        "prediction": None if isinstance(answer, dict) else [_fold(one) for one in _as_list(answer)],
        **{f"segment.{key}": [value] for key, value in segment.items()},
    }
    for subject, tests in rule["when"].items():
        known = facts.get(subject if not subject.startswith("segment.") else f"segment.{_fold(subject[8:])}")
        for operator, operand in tests.items():
            wanted = [_fold(one) for one in operand] if isinstance(operand, list) else _fold(operand)
            if known is not None and not any(_COMPARE[operator](fact, wanted) for fact in known):
                return False
    return True


def _matches(when: Mapping[str, str], sent: Mapping[str, str], segment: Mapping[str, str]) -> bool | None:
    if when.items() <= sent.items():
        return True
    found = [(segment.get(_fold(key)), _fold(value)) for key, value in when.items()]
    return False if any(fact is not None and fact != value for fact, value in found) else None


def _as_list(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else [answer]


def _fold(value: Any) -> Any:
    return unicodedata.normalize("NFKC", value).strip().casefold() if isinstance(value, str) else value


_levels = st.sampled_from([0.0, 0.2, 0.5, 0.8, 0.95, 1.0])
_texts = st.sampled_from(["de", "DE ", "en", "child"])
_keys = st.sampled_from(["language", "Age"])
_answer_lists = st.lists(st.sampled_from(ANSWERS), unique=True, max_size=3)
_PREDICTIONS: dict[str, st.SearchStrategy[Any]] = {
    "label": st.sampled_from(ANSWERS),
    "labels": _answer_lists,
    "structured": st.sampled_from(
        [{"total": 3, "supplier": "A"}, {"total": 3}, {"supplier": "A"}, {}, {"total": "12,50"}, {"total": 1, "vat": 3}]
    ),
}


def generate_policies(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Policies that fit streams of this kind."""
    numbers = st.dictionaries(st.sampled_from(["eq", "lt", "lte", "gt", "gte"]), _levels, min_size=1, max_size=2)
    texts = st.fixed_dictionaries({"eq": _texts}) | st.fixed_dictionaries({"in": st.lists(_texts, min_size=1)})
    subjects: dict[str, Any] = {
        "confidence": numbers,
        "value": numbers,
        "segment.language": texts,
        "segment.age": texts,
    }
    named: dict[str, Any] = {}
    if kind == "structured":
        named["thresholds"] = st.dictionaries(st.sampled_from(FIELDS), _levels, max_size=2)
    else:
        subjects["prediction"] = st.fixed_dictionaries({"in": st.lists(st.sampled_from(ANSWERS), min_size=1)})
        named["thresholds"] = st.dictionaries(st.sampled_from(ANSWERS), _levels, max_size=2)
    conditions = st.fixed_dictionaries({}, optional=subjects).filter(lambda when: 0 < len(when) < 3)
    rules = st.lists(conditions.filter(_can_be_met), max_size=2, unique_by=_normalize).map(
        lambda found: [{"name": f"rule {place}", "when": when} for place, when in enumerate(found)]
    )
    part = st.fixed_dictionaries({"when": st.dictionaries(_keys, _texts, min_size=1, max_size=2), "threshold": _levels})
    return st.fixed_dictionaries(
        {"threshold": st.sampled_from([None, 0.2, 0.5, 0.8])},
        optional={**named, "rules": rules, "segments": st.lists(part, max_size=2), "model_versions": st.just(["1"])},
    )


def _can_be_met(when: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether some number meets the conditions on numbers; those on texts are single ones here."""
    shares = [fortieth / 40 for fortieth in range(41)]
    numbers = {"confidence": shares, "value": [-1.0, *shares, 2.0]}
    return all(
        any(all(_COMPARE[operator](number, operand) for operator, operand in when[subject].items()) for number in facts)
        for subject, facts in numbers.items()
        if subject in when
    )


def _normalize(when: Mapping[str, Mapping[str, Any]]) -> Any:
    """Equal for conditions that say the same: no two rules may."""
    return frozenset(
        (subject, "in" if operator == "eq" else operator, frozenset(map(_fold, _as_list(operand))))
        for subject, tests in when.items()
        for operator, operand in tests.items()
    )


def generate_outputs(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Posted outputs without an id; some lack facts, break the schema or spell a segment differently."""
    score_keys = ["total", "/supplier"] if kind == "structured" else ANSWERS
    optional = {
        "confidence": st.none() | _levels,
        "scores": st.dictionaries(st.sampled_from(score_keys), _levels, min_size=1),
        "value": _levels,
        "segment": st.dictionaries(st.sampled_from(["language", "age", " Age"]), _texts, max_size=1),
        "language": st.sampled_from(["de", "EN"]),
        "model_version": st.sampled_from(["1", "2"]),
    }
    return st.fixed_dictionaries(
        {"model": st.just("m"), "input": st.just("text"), "prediction": _PREDICTIONS[kind]}, optional=optional
    )
