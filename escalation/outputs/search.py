"""Finding outputs: by what happened to them, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from escalation.models import ExternalId, Output, Stream, output_id
from escalation.policies import versions
from reviewqueue.kernel import clock
from reviewqueue.reports import reviews

PAGE = 50
DAYS_WITHOUT_A_DAY = 92  # how far back an unbounded search walks

# Where people have yet to decide for the first time.
_UNDECIDED = Q(outcome=None) & (Q(state=Output.State.IN_REVIEW) | (Q(route__isnull=False) & ~Q(route__audit="")))

# What people are asked about now, for the first time or again.
_OPEN = reviews.open_rows()

# What went out and is checked is decided, what is held is in review: the state tells one from the other.
_STATES_TELLING = {Output.State.IN_REVIEW, Output.State.DECIDED}
_FOUND_TELLING = {"wrong", "right", "checked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for; empty means any. `found`: `wrong`, `right`, `waiting` or `checked`, as people judged.

    `act` and `code`: what people did on these days, one of `reports.ACTS`, and what they said of it; the days are
    then theirs and not those of the output's receipt.
    """

    begins: str = ""
    state: str = ""
    route: str = ""
    reason: str = ""
    answer: str = ""
    version: str = ""
    found: str = ""
    act: str = ""
    code: str = ""
    since: date | None = None
    until: date | None = None

    def reveals(self) -> bool:
        """Whether matching it tells what the AI or the people before answered, or why something is with people.

        That something waits for people tells nothing, and neither does that nobody has to judge it.
        """
        parts = (self.route, self.reason, self.answer, self.version, self.act)
        return any(parts) or self.found in _FOUND_TELLING or self.state in _STATES_TELLING


@dataclass(frozen=True, slots=True)
class Page:
    """Some outputs, newest first, each with its route and outcome; `older` is the id to go on from.

    `open`: which of them people are being asked about now.
    """

    outputs: Sequence[Output]
    older: int | None
    open: frozenset[int]


def find(
    *, streams: Sequence[Stream], query: Query, before: int | None = None, judging: bool, now: datetime | None = None
) -> Page:
    """A page of the outputs that match.

    judging: the reader may be asked to judge these. What people have yet to decide, or to decide again, is then left
    out of every search that would tell something about it.
    """
    rows: QuerySet[Output] = Output.objects.filter(stream__in=streams)
    rows = _acted_on(rows, query, streams, now) if query.act else _within(rows, query, now)
    if before is not None:
        rows = rows.filter(id__lt=before)
    rows = _matching(rows, query, streams)
    if judging and query.reveals():
        rows = rows.exclude(_UNDECIDED | Q(state=Output.State.RECEIVED) | Exists(_OPEN.filter(pk=OuterRef("pk"))))
    found = list(rows.select_related("route", "outcome", "stream").order_by("-id")[: PAGE + 1])
    shown = found[:PAGE]
    asked = _OPEN.filter(pk__in=[row.pk for row in shown]).values_list("pk", flat=True)
    return Page(shown, shown[-1].pk if len(found) > PAGE else None, frozenset(asked))


def rule_names(streams: Sequence[Stream]) -> list[str]:
    """The names of the rules in effect, as reasons to look for."""
    active = versions.active_for([stream.pk for stream in streams]).values()
    return sorted({rule.name for each in active for rule in each.spec.rules})


def named(streams: Sequence[Stream], external_id: str) -> list[Output]:
    """The outputs with this id: at most one in each stream, however old."""
    claimed = ExternalId.objects.filter(stream__in=streams, external_id=external_id)
    ids_of_them = list(claimed.values_list("output_id", flat=True))
    return list(Output.objects.filter(pk__in=ids_of_them).select_related("route", "outcome", "stream"))


def is_undecided(output: Output) -> bool:
    """Whether people have yet to decide about it, before or after it went out."""
    route = getattr(output, "route", None)
    if getattr(output, "outcome", None) is not None or route is None:
        return False
    return output.state == Output.State.IN_REVIEW or bool(route.audit)


def may_be_judged(output: Output, *, is_open: bool) -> bool:
    """Whether somebody may yet be asked about it: what they must not read beforehand. `is_open`: they are asked now."""
    return is_open or is_undecided(output) or output.state == Output.State.RECEIVED


def _within(rows: QuerySet[Output], query: Query, now: datetime | None) -> QuerySet[Output]:
    since, until = _days(query, now)
    return rows.filter(id__gte=output_id.of_day(since)[0], id__lt=output_id.of_day(until)[1])


def _acted_on(
    rows: QuerySet[Output], query: Query, streams: Sequence[Stream], now: datetime | None
) -> QuerySet[Output]:
    first, last = output_id.between(*_days(query, now))
    slugs = [stream.slug for stream in streams]
    return rows.filter(pk__in=reviews.acted_on(slugs=slugs, act=query.act, code=query.code, since=first, until=last))


def _days(query: Query, now: datetime | None) -> tuple[date, date]:
    until = query.until or clock.day(clock.current(now))
    return query.since or until - timedelta(days=DAYS_WITHOUT_A_DAY), until


def _matching(rows: QuerySet[Output], query: Query, streams: Sequence[Stream]) -> QuerySet[Output]:
    exact = {
        "external_id__startswith": query.begins,
        "state": query.state,
        "route__kind": query.route,
        "route__reason": query.reason,
        "predicted": query.answer,
        "model_version": query.version,
    }
    rows = rows.filter(**{field: value for field, value in exact.items() if value})
    match query.found:
        case "wrong":
            return rows.filter(outcome__wrong=True)
        case "right":
            return rows.filter(outcome__wrong=False)
        case "waiting":
            # From the queue, which knows: walking back through everything that went out takes too long.
            return rows.filter(pk__in=reviews.open_items([stream.slug for stream in streams]))
        case "checked":
            return rows.filter(route__eligible=True, outcome__wrong__isnull=False).exclude(route__audit="")
    return rows
