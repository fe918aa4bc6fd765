"""The current state of several streams: one row each, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from escalation.guarantees import endings, guarantees
from escalation.guarantees.endings import OpenEnding
from escalation.guarantees.guarantees import Guarantee
from escalation.models import Stop, Stream, output_id
from escalation.policies import versions
from escalation.reports import aggregates, error_rate, queries, stream_report
from escalation.reports.error_rate import ErrorRate
from reviewqueue.facade import queue
from reviewqueue.facade.queue import QueueLoad
from reviewqueue.kernel import clock, sql


@dataclass(frozen=True, slots=True)
class StreamOverview:
    """One stream. `arrived` and `completed`: outputs received, and decided by people, today.

    `overdue`: outputs in review past their deadline. `error_rate`: over the last 28 days. `stop`: the active stop of
    this stream, or of all streams. `ending`: a guarantee that ended and needs a decision.
    """

    stream: Stream
    policy: int | None
    load: QueueLoad
    overdue: int
    arrived: int
    completed: int
    error_rate: ErrorRate
    stop: Stop | None
    guarantee: Guarantee | None
    ending: OpenEnding | None

    @property
    def severity(self) -> int:
        """For sorting, 0 is worst: the guarantee ended, automation stopped, deadlines missed, no policy, nothing."""
        troubles = (self.ending, self.stop, self.overdue, self.policy is None)
        return next((place for place, trouble in enumerate(troubles) if trouble), len(troubles))


def list_stream_overviews(slugs: Sequence[str], *, now: datetime | None = None) -> list[StreamOverview]:
    """The overviews of these streams: those that need attention first, otherwise in this order."""
    found = {stream.slug: stream for stream in Stream.objects.filter(slug__in=slugs)}
    chosen = [found[slug] for slug in slugs if slug in found]
    moment = clock.current_time(now)
    since, until = stream_report.default_report_window(moment)
    loads = queue.measure_loads()
    active = versions.find_policies_at_transaction_start([stream.pk for stream in chosen])
    samples = aggregates.load_audit_counts(stream_ids=[stream.pk for stream in chosen], since=since, until=until)
    today = _count_today(chosen, moment)
    latest = guarantees.find_latest_guarantees(chosen, now=now)
    ended = endings.find_open_endings(chosen)
    stops = {stop.stream_id: stop for stop in Stop.objects.active()}
    overviews = [
        StreamOverview(
            stream=stream,
            policy=active[stream.pk].number if stream.pk in active else None,
            load=loads.get(stream.slug, QueueLoad(0, None, 0)),
            error_rate=error_rate.estimate_error_rate_from_counts(samples[stream.pk]),
            stop=stops.get(stream.pk, stops.get(None)),
            guarantee=latest.get(stream.pk),
            ending=ended.get(stream.pk),
            **today[stream.pk],
        )
        for stream in chosen
    ]
    return sorted(overviews, key=lambda overview: overview.severity)


def find_active_stop(stream: Stream) -> Stop | None:
    """The stop that is active for a stream: its own, otherwise one of all streams."""
    stops = {stop.stream_id: stop for stop in Stop.objects.active().select_related("stream")}
    return stops.get(stream.pk, stops.get(None))


def _count_today(streams: Sequence[Stream], now: datetime) -> dict[int, dict[str, int]]:
    first, last = output_id.id_range_of_day(clock.team_date(now))
    return {
        stream_id: {"arrived": arrived, "completed": completed, "overdue": overdue}
        for stream_id, arrived, completed, overdue in sql.fetch_tuples(
            queries.COUNT_TODAY,
            {
                "streams": [stream.pk for stream in streams],
                "first": first,
                "last": last,
                "from": output_id.time_of_id(first),
                "to": output_id.time_of_id(last),
                "now": now,
            },
        )
    }
