"""Answers of which a review asks for some fields only."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.answers import partial, schema
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel.errors import Invalid
from tests.helpers import invoices

INVOICE = invoices.ANSWER
ASKED = ["/total", "/address/city", "/lines"]
_NAMES = st.sampled_from(["a", "b", "c/d", "e~f"])
_VALUES = st.integers() | st.text("xyz", max_size=3) | st.lists(st.integers(), max_size=2)
_LEAVES = st.none() | _VALUES
_GROUPS = st.none() | st.dictionaries(_NAMES, _LEAVES, max_size=4)
# Two levels, as a schema with plain fields under `plain` and `also`, and a group `group` of fields has them.
_DOCUMENTS = st.fixed_dictionaries({}, optional={"plain": _LEAVES, "also": _LEAVES, "group": _GROUPS})
_FILLED = st.fixed_dictionaries(
    {}, optional={"plain": _VALUES, "also": _VALUES, "group": st.dictionaries(_NAMES, _VALUES, max_size=4)}
)
_POINTERS = st.lists(
    st.sampled_from(["/plain", "/also", "/group/a", "/group/b", "/group/c~1d", "/group/e~0f"]), min_size=1, unique=True
)


def _key(answer: Any) -> str:
    return schema.exact_key(answer)


@given(_DOCUMENTS, _POINTERS)
def test_the_whole_proposal_and_its_asked_fields_both_complete_to_the_proposal(proposed: Any, asked: list[str]) -> None:
    assert _key(partial.complete(proposed, proposed, asked)) == _key(proposed)
    assert _key(partial.complete(partial.narrow(proposed, asked), proposed, asked)) == _key(proposed)


@given(_DOCUMENTS, _DOCUMENTS, _POINTERS)
def test_asked_fields_come_from_the_person_and_all_others_from_the_model(
    mine: Any, proposed: Any, asked: list[str]
) -> None:
    merged = partial.merge(mine, proposed, asked)
    assert _fields(partial.narrow(merged, asked)) == _fields(partial.narrow(mine, asked))
    assert _fields(partial.leave_out(merged, asked)) == _fields(partial.leave_out(proposed, asked))
    assert _key(partial.merge(merged, proposed, asked)) == _key(merged)
    assert _key(partial.complete(merged, proposed, asked)) == _key(merged)


@given(_DOCUMENTS, _DOCUMENTS, _POINTERS)
def test_what_is_shown_beside_the_question_does_not_depend_on_the_hidden_fields(
    one: Any, other: Any, asked: list[str]
) -> None:
    """Two proposals that differ only in what is asked for look the same."""
    swapped = partial.merge(other, one, asked)
    assert _fields(partial.leave_out(swapped, asked)) == _fields(partial.leave_out(one, asked))


@given(_FILLED, _DOCUMENTS, _POINTERS)
def test_a_change_of_anything_else_is_refused_and_never_dropped(mine: Any, proposed: Any, asked: list[str]) -> None:
    changed = _fields(partial.leave_out(mine, asked)) - _fields(partial.leave_out(proposed, asked))
    if not changed:
        assert _key(partial.complete(mine, proposed, asked)) == _key(partial.merge(mine, proposed, asked))
        return
    with pytest.raises(Invalid) as refused:
        partial.complete(mine, proposed, asked)
    assert {error["pointer"] for error in refused.value.errors} == {f"/answer{pointer}" for pointer, _ in changed}


def test_a_refusal_points_to_each_field_that_was_not_asked_for() -> None:
    mine = INVOICE | {"total": 120, "supplier": "Other", "address": {"city": "Chur", "zip": "7000"}}
    with pytest.raises(Invalid) as refused:
        partial.complete(mine, INVOICE, ASKED)
    assert [error["pointer"] for error in refused.value.errors] == ["/answer/supplier", "/answer/address/zip"]


def test_a_number_that_a_client_writes_differently_is_no_change() -> None:
    completed = partial.complete(INVOICE | {"total": 1, "discount": 0.0}, INVOICE, ["/total"])
    assert (completed["total"], completed["discount"]) == (1, 0)


@pytest.mark.parametrize(
    ("given_group", "proposed_group", "merged"),
    [
        ({"city": "Chur"}, None, {"city": "Chur"}),
        ({"city": "Chur"}, {"zip": "3000"}, {"zip": "3000", "city": "Chur"}),
        (None, {"city": "Bern"}, None),
        ({}, {"city": "Bern"}, {}),
        (None, {"city": "Bern", "zip": "3000"}, {"zip": "3000"}),
    ],
)
def test_a_group_takes_the_asked_field_and_keeps_the_others(given_group: Any, proposed_group: Any, merged: Any) -> None:
    answer = partial.merge({"address": given_group}, {"address": proposed_group}, ["/address/city"])
    assert answer == {"address": merged}


def test_a_rule_that_is_broken_elsewhere_is_named_as_such() -> None:
    form = AnswerSpec(
        "structured",
        schema={
            "type": "object",
            "properties": {"paid": {"type": "boolean"}, "paid_on": {"type": "string"}},
            "if": {"properties": {"paid": {"const": True}}},
            "then": {"required": ["paid_on"]},
        },
    )
    with pytest.raises(Invalid, match="in a field that this review does not ask for") as refused:
        partial.normalize({"paid": True}, form, ["/paid"])
    assert [error["pointer"] for error in refused.value.errors] == ["/answer/paid_on"]
    with pytest.raises(Invalid, match=r"^The answer does not match"):
        partial.normalize({"paid": 1}, form, ["/paid"])


def _fields(answer: Any) -> set[tuple[str, str]]:
    """The fields of such a document that are not empty, with their values."""
    found: dict[str, Any] = {}
    for name, value in answer.items():
        if isinstance(value, dict):
            escaped = {inner.replace("~", "~0").replace("/", "~1"): one for inner, one in value.items()}
            found |= {f"/{name}/{inner}": one for inner, one in escaped.items()}
        else:
            found[f"/{name}"] = value
    return {(pointer, _key(value)) for pointer, value in found.items() if value is not None}
