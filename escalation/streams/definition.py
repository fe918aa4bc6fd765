"""Stream definitions: a file or a form that defines a stream, its queue and its policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from django.db import connection, transaction
from django.utils.translation import gettext as _
from msgspec import Meta

from escalation.models import Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from escalation.streams import queries
from reviewqueue.activity import log
from reviewqueue.facade import queue
from reviewqueue.kernel import sql, validation_text
from reviewqueue.kernel.errors import Invalid, NotFound

_TAKEN_SLUGS = frozenset({"new"})  # /streams/new/ is where streams are made
_QUEUE_SETTING_KEYS = ("reserve_minutes", "max_waiting")


class StreamDefinition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stream of `streams.yaml`.

    `error_unit` is that of `AnswerSpec`. The policy version is built from `policy`, `costs` and the keys of `review`
    that are not queue settings.
    """

    slug: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,48}\Z")]
    title: Annotated[str, Meta(min_length=1, max_length=120)]
    question: Annotated[str, Meta(max_length=200)] = ""
    answers: list[Annotated[str, Meta(min_length=1, max_length=200)]] | None = None
    multiple: bool = False
    error_unit: Literal["output", "label"] = "output"
    schema: dict[str, Any] | None = None
    guidelines: str = ""
    error_types: Annotated[list[Annotated[str, Meta(min_length=1, max_length=60)]], Meta(max_length=200)] = []
    display: dict[str, str] = {}
    owner: Annotated[str, Meta(max_length=120)] = ""
    risk: Literal["low", "medium", "high"] = "medium"
    review: dict[str, Any] = {}
    policy: dict[str, Any] | None = None
    costs: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if (self.answers is None) == (self.schema is None):
            raise ValueError("a stream needs exactly one of `answers` and `schema`")
        if self.slug in _TAKEN_SLUGS:
            raise ValueError(f"the slug “{self.slug}” is the address of another page; choose another one")
        if repeated := _find_repeated(self.answers or []):
            raise ValueError(f"the answer “{repeated}” is listed twice")
        if repeated := _find_repeated(self.error_types):
            raise ValueError(f"the error type “{repeated}” is listed twice")


def _find_repeated(names: Sequence[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


class _DefinitionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    streams: list[StreamDefinition]


class _QueueSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reserve_minutes: Annotated[int, Meta(ge=1, le=24 * 60)] = 15
    max_waiting: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 10_000


@dataclass(frozen=True, slots=True)
class AppliedDefinition:
    """The result of applying a definition."""

    stream: Stream
    created: bool
    proposed: versions.ProposedVersion | None


def parse_definitions(data: Any) -> list[StreamDefinition]:
    """Parse definitions from the plain data of a file. Raises Invalid with the place and the value of the error."""
    try:
        parsed = _convert_file(data).streams
    except (msgspec.ValidationError, TypeError) as error:
        found = validation_text.explain_error(
            error, data, root=_DefinitionFile, convert=_convert_file, rules=_list_rules()
        )
        raise Invalid(found.detail, [{"pointer": found.pointer, "detail": found.detail}]) from error
    slugs: set[str] = set()
    for place, one in enumerate(parsed):
        if one.slug in slugs:
            detail = _("There are two streams with the slug “%(slug)s”. Rename one of them.") % {"slug": one.slug}
            raise Invalid(detail, [{"pointer": f"/streams/{place}/slug", "detail": detail}])
        slugs.add(one.slug)
    return parsed


def apply_definition(definition: StreamDefinition, *, actor: str, now: datetime | None = None) -> AppliedDefinition:
    """Create or change a stream, its queue and its policy. Applying the same definition again changes nothing.

    Changed answers without a policy carry the settings in effect over; see `versions.carry_over`. Raises Invalid with
    pointers into the definition.
    """
    _check_parts_of_policy(definition)
    settings = _read_queue_settings(definition)
    with transaction.atomic():
        wanted = queue.QueueDefinition(
            slug=definition.slug,
            title=definition.title,
            question=definition.question,
            answers=definition.answers,
            multiple=definition.multiple,
            error_unit=definition.error_unit,
            schema=definition.schema,
            guidelines=definition.guidelines,
            reserve_minutes=settings.reserve_minutes,
            error_types=definition.error_types,
            display=definition.display,
        )
        configured = queue.configure_queue(wanted, actor=actor, now=now)
        stream, created = _save_stream(
            definition, settings, schema_number=configured.schema_number, actor=actor, now=now
        )
        proposed = _propose_policy(stream, definition, actor=actor, now=now)
    return AppliedDefinition(stream, created, proposed)


def get_stream(slug: str) -> Stream:
    """The stream; raises NotFound. Every request calls this, so it bypasses the ORM's query building: half the time."""
    row = sql.fetch_tuple(queries.GET_STREAM, [slug], prepared=True)
    if row is None:
        raise NotFound(_("There is no stream %(slug)r.") % {"slug": slug})
    return Stream.from_db(connection.alias, queries.COLUMN_NAMES, row)


def build_policy_spec(definition: StreamDefinition) -> dict[str, Any] | None:
    """The plain data of the policy version in a definition; None if it has no policy."""
    if definition.policy is None:
        return None
    deciding = {key: value for key, value in definition.review.items() if key not in _QUEUE_SETTING_KEYS}
    costs = {"costs": definition.costs} if definition.costs is not None else {}
    return {**definition.policy, **deciding, **costs}


def _save_stream(
    definition: StreamDefinition, settings: _QueueSettings, *, schema_number: int, actor: str, now: datetime | None
) -> tuple[Stream, bool]:
    wanted: dict[str, Any] = {
        "title": definition.title,
        "owner": definition.owner,
        "risk": definition.risk,
        "schema_number": schema_number,
        "max_waiting": settings.max_waiting,
    }
    stream, created = Stream.objects.get_or_create(slug=definition.slug, defaults=wanted)
    # Anyone who activates a policy waits, and sees the changed answers then.
    stream = Stream.objects.select_for_update(no_key=True).get(pk=stream.pk)
    before = {key: getattr(stream, key) for key, value in wanted.items() if getattr(stream, key) != value}
    if created or before:
        for key, value in wanted.items():
            setattr(stream, key, value)
        stream.save(update_fields=list(wanted))
        log.record_event(
            actor=actor,
            verb="stream.created" if created else "stream.changed",
            object_type="stream",
            object_id=stream.slug,
            queue=stream.slug,
            before=None if created else before,
            after=wanted if created else {key: wanted[key] for key in before},
            at=now,
        )
    return stream, created


def _propose_policy(
    stream: Stream, definition: StreamDefinition, *, actor: str, now: datetime | None
) -> versions.ProposedVersion | None:
    data = build_policy_spec(definition)
    if data is None:
        return versions.carry_over(stream=stream, actor=actor, now=now)
    try:
        spec = versions.validate_spec(data)
        return versions.propose_version(stream=stream, spec=spec, actor=actor, reason="applied from a file", now=now)
    except Invalid as refusal:
        errors = [error | {"pointer": _locate(error["pointer"], definition)} for error in refusal.errors]
        raise Invalid(str(refusal), errors) from refusal


def _locate(pointer: str, definition: StreamDefinition) -> str:
    """Where a part of the policy stands in the definition."""
    name = pointer.split("/")[1] if pointer else ""
    if name == "costs" and definition.costs is not None:
        return pointer
    return f"/review{pointer}" if name in definition.review else f"/policy{pointer}"


def _read_queue_settings(definition: StreamDefinition) -> _QueueSettings:
    data = {key: value for key, value in definition.review.items() if key in _QUEUE_SETTING_KEYS}
    try:
        return msgspec.convert(data, _QueueSettings)
    except msgspec.ValidationError as error:
        found = validation_text.explain_error(
            error, data, root=_QueueSettings, convert=lambda value: msgspec.convert(value, _QueueSettings)
        )
        raise Invalid(found.detail, [{"pointer": f"/review{found.pointer}", "detail": found.detail}]) from error


def _check_parts_of_policy(definition: StreamDefinition) -> None:
    """Raise Invalid for parts of a policy that would be ignored: without a policy, or given in two places.

    They are not merged into the policy in effect: that may have been changed since, and nobody has seen the result.
    """
    parts = {key: f"/review/{key}" for key in definition.review if key not in _QUEUE_SETTING_KEYS}
    if definition.costs is not None:
        parts["costs"] = "/costs"
    if definition.policy is None:
        known = [*_QUEUE_SETTING_KEYS, *PolicySpec.__struct_encode_fields__]
        errors = [
            {
                "pointer": pointer,
                "detail": _("This is a part of the policy, and the stream has no `policy` here. Add one.")
                if key in known
                else validation_text.describe_unknown_key(key, known),
            }
            for key, pointer in parts.items()
        ]
    else:
        errors = [
            {"pointer": pointer, "detail": _("This is also given under `policy`. Remove one of the two.")}
            for key, pointer in parts.items()
            if key in definition.policy
        ]
    if errors:
        raise Invalid(errors[0]["detail"], errors)


def _convert_file(data: Any) -> _DefinitionFile:
    return msgspec.convert(data, _DefinitionFile)


def _list_rules() -> dict[str, str]:
    """Field name -> the sentence that stands for its pattern or its choices."""
    return {
        "slug": _("Use 1 to 49 lowercase letters, digits and hyphens, and begin with a letter or a digit."),
        "risk": _("Use low, medium or high."),
        "error_unit": _("Use output (one with any wrong label is an error) or label (each wrong label is one)."),
    }
