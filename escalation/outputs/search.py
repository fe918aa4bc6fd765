"""Searches outputs by their routing, review and decision, newest first, one page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from escalation.models import ExternalId, Output, Stream, output_id
from escalation.models.output_id import DayBasis
from escalation.policies import versions
from escalation.routing import audits, reasons
from reviewqueue.answers import schema
from reviewqueue.facade import facts, queue
from reviewqueue.kernel import clock

PAGE_SIZE = 50
DEFAULT_WINDOW_DAYS = 92  # how far back a search without a start date goes

# Outputs that people have yet to decide for the first time.
_UNDECIDED = Q(outcome=None) & (
    Q(state=Output.State.IN_REVIEW) | (Q(state=Output.State.DECIDED) & Q(route__isnull=False) & ~Q(route__audit=""))
)

# Among items under audit, automated ones are decided and held ones are in review: the state reveals which.
_REVEALING_STATES = {Output.State.IN_REVIEW, Output.State.DECIDED}
_REVEALING_JUDGEMENTS = {"wrong", "right", "checked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputQuery:
    """Search criteria; empty means any. `found`: the review result, `wrong`, `right`, `waiting` or `checked`.

    `act`: an action by reviewers, one of `facts.COUNTED_ACTIONS`; `code`: its reason code. With `act`, `since` and
    `until` are the days of the action, whatever `by` says. `by`: whether they are otherwise the days of the output's
    receipt or those on which it occurred.
    """

    begins: str = ""
    state: str = ""
    route: str = ""
    reason: str = ""
    answer: str = ""
    version: str = ""
    group: str = ""
    found: str = ""
    act: str = ""
    code: str = ""
    since: date | None = None
    until: date | None = None
    by: DayBasis = DayBasis.RECEIVED

    def reveals(self) -> bool:
        """Whether a match reveals an answer by the AI or by earlier reviewers, or why an item is in review.

        That an output waits for review reveals nothing, and neither does that it needs no review. Its id or group does:
        what is on the desk and cannot be found is a test item.
        """
        parts = (self.begins, self.group, self.route, self.reason, self.answer, self.version, self.act)
        return any(parts) or self.found in _REVEALING_JUDGEMENTS or self.state in _REVEALING_STATES


@dataclass(frozen=True, slots=True)
class OutputPage:
    """A page of outputs, newest first, each with its route and outcome.

    older: the id to pass as `before` for the next page; None on the last. open_ids: those open for review now.
    """

    outputs: Sequence[Output]
    older: int | None
    open_ids: frozenset[int]


def search_outputs(
    *,
    streams: Sequence[Stream],
    query: OutputQuery,
    before: int | None = None,
    judging: bool,
    now: datetime | None = None,
) -> OutputPage:
    """A page of the matching outputs.

    judging: the reader may have to review them. Outputs that are yet to be decided, or to be decided again, are then
    left out of every search that would reveal something about them.
    """
    rows: QuerySet[Output] = Output.objects.filter(stream__in=streams)
    rows = _acted_on_within(rows, query, streams, now) if query.act else _received_within(rows, query, now)
    rows = _filter_matching(rows, query, streams)
    rows = rows.select_related("route", "outcome", "stream").order_by("-id")
    if judging and query.reveals():
        found = _fetch_closed(rows.exclude(_UNDECIDED | Q(state=Output.State.RECEIVED)), before)
        open_ids: frozenset[int] = frozenset()
    else:
        found = list(_older_than(rows, before)[: PAGE_SIZE + 1])
        open_ids = facts.open_ids_among([row.pk for row in found[:PAGE_SIZE]])
    shown = found[:PAGE_SIZE]
    return OutputPage(shown, shown[-1].pk if len(found) > PAGE_SIZE else None, open_ids)


def list_named_reasons(streams: Sequence[Stream]) -> list[str]:
    """The routing reasons that name a rule or a held label of the policies in effect, to search by."""
    active = versions.find_policies_at_transaction_start([stream.pk for stream in streams])
    rules = sorted({rule.name for each in active.values() for rule in each.spec.rules})
    labels = {
        label
        for stream in streams
        if stream.pk in active
        for label in active[stream.pk].spec.thresholds
        if queue.get_answer_spec(slug=stream.slug, number=stream.schema_number).kind != schema.LABEL
    }
    return [
        *(f"{kind}{name}" for name in rules for kind in (reasons.RULE, reasons.UNEVALUABLE_RULE)),
        *(f"{reasons.HELD_LABEL}{label}" for label in sorted(labels)),
    ]


def find_by_external_id(streams: Sequence[Stream], external_id: str) -> list[Output]:
    """The outputs with this id: at most one per stream, however old."""
    known = ExternalId.objects.filter(stream__in=streams, external_id=external_id)
    output_ids = list(known.values_list("output_id", flat=True))
    return list(Output.objects.filter(pk__in=output_ids).select_related("route", "outcome", "stream"))


def is_undecided(output: Output) -> bool:
    """Whether people have yet to review it, before or after its decision."""
    route = getattr(output, "route", None)
    if getattr(output, "outcome", None) is not None or route is None:
        return False
    return output.state == Output.State.IN_REVIEW or (bool(route.audit) and output.state == Output.State.DECIDED)


def may_be_judged(output: Output, *, is_open: bool) -> bool:
    """Whether someone may still have to review it and so must not see it beforehand. is_open: open for review now."""
    return is_open or is_undecided(output) or output.state == Output.State.RECEIVED


def is_unknown_to_reviewers(output: Output) -> bool:
    """Whether reviewers have never decided it but may have to. They must not know which ids these are."""
    return getattr(output, "outcome", None) is None and may_be_judged(output, is_open=False)


def _fetch_closed(rows: QuerySet[Output], before: int | None) -> list[Output]:
    """A page and one more of the rows that people are not asked about now.

    Only outputs that were opened again are left out here, so one batch nearly always fills the page.
    """
    found: list[Output] = []
    while len(found) <= PAGE_SIZE:
        batch = list(_older_than(rows, before)[: PAGE_SIZE + 1])
        open_ids = facts.open_ids_among([row.pk for row in batch])
        found += [row for row in batch if row.pk not in open_ids]
        if len(batch) <= PAGE_SIZE:
            break
        before = batch[-1].pk
    return found[: PAGE_SIZE + 1]


def _older_than(rows: QuerySet[Output], before: int | None) -> QuerySet[Output]:
    return rows if before is None else rows.filter(id__lt=before)


def _received_within(rows: QuerySet[Output], query: OutputQuery, now: datetime | None) -> QuerySet[Output]:
    since, until = _search_days(query, now)
    first, last = output_id.id_range_of_days(since, until, by=query.by)
    rows = rows.filter(id__gte=first, id__lt=last)
    if query.by == DayBasis.OCCURRED:
        begin, end = output_id.time_range_of_days(since, until)
        rows = rows.annotate(moment=Coalesce("occurred_at", "received_at")).filter(moment__gte=begin, moment__lt=end)
    return rows


def _acted_on_within(
    rows: QuerySet[Output], query: OutputQuery, streams: Sequence[Stream], now: datetime | None
) -> QuerySet[Output]:
    first, last = output_id.time_range_of_days(*_search_days(query, now))
    slugs = [stream.slug for stream in streams]
    return rows.filter(
        pk__in=facts.list_items_by_action(slugs=slugs, act=query.act, code=query.code, since=first, until=last)
    )


def _search_days(query: OutputQuery, now: datetime | None) -> tuple[date, date]:
    until = query.until or clock.team_date(clock.current_time(now))
    return query.since or until - timedelta(days=DEFAULT_WINDOW_DAYS), until


def _filter_matching(rows: QuerySet[Output], query: OutputQuery, streams: Sequence[Stream]) -> QuerySet[Output]:
    exact = {
        "external_id__startswith": query.begins,
        "state": query.state,
        "route__kind": query.route,
        "route__reason": query.reason,
        "predicted": query.answer,
        "model_version": query.version,
        "group": query.group,
    }
    rows = rows.filter(**{field: value for field, value in exact.items() if value})
    match query.found:
        case "wrong":
            return rows.filter(outcome__wrong=True)
        case "right":
            return rows.filter(outcome__wrong=False)
        case "waiting":
            # From the queue: searching all automated outputs would take too long.
            return rows.filter(pk__in=facts.list_open_item_ids([stream.slug for stream in streams]))
        case "checked":
            return rows.filter(audits.ANSWERED_ELIGIBLE_AUDITS)
    return rows
