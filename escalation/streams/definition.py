"""Stream definitions: a file or a form that defines a stream, its queue and its policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from django.db import connection, transaction
from django.utils.translation import gettext as _
from msgspec import Meta

from escalation.models import Stream
from escalation.policies import versions
from escalation.streams import queries
from reviewqueue.activity import log
from reviewqueue.facade import queue
from reviewqueue.kernel import sql
from reviewqueue.kernel.errors import Invalid, NotFound

_QUEUE_SETTING_KEYS = ("reserve_minutes", "max_waiting")


class StreamDefinition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stream of `streams.yaml`.

    The policy version is built from `policy`, `costs` and the keys of `review` that are not queue settings.
    """

    slug: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,48}\Z")]
    title: Annotated[str, Meta(min_length=1, max_length=120)]
    question: Annotated[str, Meta(max_length=200)] = ""
    answers: list[Annotated[str, Meta(min_length=1, max_length=200)]] | None = None
    multiple: bool = False
    schema: dict[str, Any] | None = None
    guidelines: str = ""
    error_types: list[Annotated[str, Meta(min_length=1, max_length=60)]] = []
    display: dict[str, str] = {}
    owner: Annotated[str, Meta(max_length=120)] = ""
    risk: Literal["low", "medium", "high"] = "medium"
    review: dict[str, Any] = {}
    policy: dict[str, Any] | None = None
    costs: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if (self.answers is None) == (self.schema is None):
            raise ValueError("a stream needs exactly one of `answers` and `schema`")
        if self.answers is not None and len(set(self.answers)) != len(self.answers):
            raise ValueError("two answers are the same")
        if len(set(self.error_types)) != len(self.error_types):
            raise ValueError("two error types are the same")


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
    """Parse definitions from the plain data of a file. Raises Invalid with the path of the error."""
    try:
        return msgspec.convert(data, _DefinitionFile).streams
    except (msgspec.ValidationError, TypeError) as error:
        raise Invalid(f"Invalid stream definition: {error}") from error


def apply_definition(definition: StreamDefinition, *, actor: str, now: datetime | None = None) -> AppliedDefinition:
    """Create or change a stream, its queue and its policy. Applying the same definition again changes nothing."""
    try:
        settings = msgspec.convert(
            {key: value for key, value in definition.review.items() if key in _QUEUE_SETTING_KEYS}, _QueueSettings
        )
    except msgspec.ValidationError as error:
        raise Invalid(f"Invalid review settings of {definition.slug}: {error}") from error
    with transaction.atomic():
        wanted = queue.QueueDefinition(
            slug=definition.slug,
            title=definition.title,
            question=definition.question,
            answers=definition.answers,
            multiple=definition.multiple,
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
    row = sql.fetch_tuple(queries.GET_STREAM, [slug])
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
    spec = build_policy_spec(definition)
    if spec is None:
        return None
    return versions.propose_version(
        stream=stream, spec=versions.validate_spec(spec), actor=actor, reason="applied from a file", now=now
    )
