"""Answers of which a review asks for some fields only: the rest stays as the model gave it. Pure.

Asked fields are JSON Pointers to fields of the stream's schema, as `answers.fields` lists them: they lead through
objects only, so a list is asked for as a whole. None stands for the whole answer. A field that is left out counts as
null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext as _

from reviewqueue.answers import schema
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel.errors import Invalid
from reviewqueue.kernel.json_pointer import format_pointer, split_pointer

type AskedFields = Sequence[str] | None
# The asked fields as a tree of member names; the leaves are empty.
type _Tree = Mapping[str, _Tree]

_ABSENT: Final[Any] = object()


def narrow(answer: Any, asked: AskedFields) -> Any:
    """The asked fields of an answer, in their objects."""
    return answer if asked is None or not isinstance(answer, Mapping) else _narrow(answer, _build_tree(asked))


def leave_out(answer: Any, asked: AskedFields) -> dict[str, Any] | None:
    """An answer without its asked fields, and without objects of which nothing else is left; None for a whole answer.

    Whatever may not be shown with the rest of an answer is removed here.
    """
    if asked is None:
        return None
    return _leave_out(answer, _build_tree(asked)) if isinstance(answer, Mapping) else {}


def merge(given: Any, proposed: Any, asked: AskedFields) -> Any:
    """The proposed answer with the asked fields as given."""
    if asked is None or not isinstance(given, Mapping):
        return given
    return _merge(given, proposed, _build_tree(asked))


def complete(given: Any, proposed: Any, asked: AskedFields) -> Any:
    """The whole answer of somebody who sent all of it, or some of its fields.

    Raises Invalid, with a pointer for each, if they changed fields that they were not asked for.
    """
    if asked is None or not isinstance(given, Mapping):
        return given
    errors = [
        {"pointer": "/answer" + format_pointer(path), "detail": detail}
        for path, detail in _find_unasked(given, proposed, _build_tree(asked), ())
    ]
    if errors:
        raise Invalid(_("The answer changes fields that this review does not ask for."), errors)
    return merge(given, proposed, asked)


def normalize(answer: Any, to: AnswerSpec, asked: AskedFields) -> Any:
    """A completed answer as `schema.normalize_answer` returns it.

    Raises Invalid; where it breaks a rule of the schema at a field that was not asked for, the sentence says so.
    """
    try:
        return schema.normalize_answer(answer, to)
    except Invalid as refusal:
        if asked is None or not any(_is_elsewhere(error["pointer"], asked) for error in refusal.errors):
            raise
        detail = _(
            "With these values, the answer breaks a rule in a field that this review does not ask for. "
            "Check your values. If they are right, reject the answer or ask the lead."
        )
        raise Invalid(detail, refusal.errors) from refusal


def is_asked(pointer: str, asked: AskedFields) -> bool:
    """Whether a part of an answer is an asked field, inside one, or has one inside it."""
    return asked is None or any(
        one == pointer or one.startswith(f"{pointer}/") or pointer.startswith(f"{one}/") for one in asked
    )


def _is_elsewhere(pointer: str, asked: Sequence[str]) -> bool:
    return not is_asked(pointer.removeprefix("/answer"), asked)


def _build_tree(asked: Sequence[str]) -> _Tree:
    tree: dict[str, Any] = {}
    for pointer in asked:
        node = tree
        for step in split_pointer(pointer):
            node = node.setdefault(step, {})
    return tree


def _narrow(answer: Mapping[str, Any], tree: _Tree) -> dict[str, Any]:
    return {
        name: _narrow(value, tree[name]) if tree[name] and isinstance(value, Mapping) else value
        for name, value in answer.items()
        if name in tree
    }


def _leave_out(answer: Mapping[str, Any], tree: _Tree) -> dict[str, Any]:
    rest = {}
    for name, value in answer.items():
        if name not in tree:
            rest[name] = value
        elif tree[name] and isinstance(value, Mapping) and (inner := _leave_out(value, tree[name])):
            rest[name] = inner
    return rest


def _merge(given: Any, proposed: Any, tree: _Tree) -> Any:
    """An object of the answer. Members keep the order in which the model gave them; new ones come after them."""
    ours = given if isinstance(given, Mapping) else {}
    theirs = proposed if isinstance(proposed, Mapping) else {}
    merged = {}
    for name in [*theirs, *(name for name in (*ours, *tree) if name not in theirs and name in tree)]:
        value = theirs.get(name, _ABSENT)
        if name in tree:
            mine = ours.get(name, _ABSENT)
            value = _merge(mine, value, tree[name]) if tree[name] else mine
        if value is not _ABSENT:
            merged[name] = value
    if merged or isinstance(given, Mapping):
        return merged
    # Nothing is left of the object: it is what the person wrote for it, or stays what it was if that was nothing, too.
    return given if isinstance(proposed, Mapping) or given is not _ABSENT else proposed


def _find_unasked(
    given: Mapping[str, Any], proposed: Any, tree: _Tree, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where a sent answer changes what was not asked for, and why it is refused."""
    theirs = proposed if isinstance(proposed, Mapping) else {}
    for name, value in given.items():
        here, inner = (*path, name), tree.get(name)
        if inner is not None and not inner:
            continue
        original = theirs.get(name)
        if isinstance(value, Mapping) and (inner or isinstance(original, Mapping | None)):
            yield from _find_unasked(value, original, inner or {}, here)
        elif inner:
            if value is not None:
                yield here, _("This must be an object.")
        elif schema.canonical_key(value) != schema.canonical_key(original):
            yield here, _("This review does not ask for this field. Leave it out, or send it as it was proposed.")
