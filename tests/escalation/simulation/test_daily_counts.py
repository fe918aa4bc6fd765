"""Daily counts equal the outputs they were made from, also after late changes."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from escalation.guarantees.population import Population
from escalation.guarantees.thresholds import THRESHOLDS
from escalation.models import CountedDay, Outcome, Output, OutputCount, Route, Stream
from escalation.policies import versions
from escalation.policies.spec import Costs
from escalation.reports.costs import PolicyCosts
from escalation.simulation import daily_counts, threshold_curve
from escalation.simulation.threshold_curve import CountCell
from tests.helpers import stream_history, stream_setup, traffic
from tests.helpers.traffic import NOON

FREE = PolicyCosts(Costs(), 1)
LINE = Population("clf", "1", 1)
POLICY: dict[str, Any] = {
    "threshold": 0.8,
    "audit": {"rate": 0.3},
    "rules": [{"name": "rare", "when": {"prediction": {"eq": "billing"}}}],
}
LATER = NOON + timedelta(days=11)


@pytest.fixture
def stream(queue: object) -> Stream:
    return traffic.apply_stream(policy=POLICY)


def _past(stream: Stream, count: int = 600, seed: int = 1) -> None:
    rng = np.random.default_rng(seed)
    scores: list[float | None] = [*rng.random(count - 20).tolist(), *[None] * 10, *[1.0] * 5, *[0.0] * 5]
    labels = rng.choice(["refund", "billing"], count, p=[0.9, 0.1]).tolist()
    stream_history.write_history(stream, scores, (rng.random(count) < 0.2).tolist(), predicted=labels)


def _cells(stream: Stream) -> list[threshold_curve.CountCell]:
    return daily_counts.load_cells(stream_id=stream.pk, covered=LINE, since=date(2025, 1, 1), until=date(2026, 1, 1))


def test_counts_match_the_outputs_at_every_threshold(stream: Stream) -> None:
    _past(stream)
    daily_counts.refresh_counts(now=LATER)
    for point in threshold_curve.compute_curve(_cells(stream), FREE):
        above = Route.objects.filter(output__confidence__gte=point.threshold).exclude(reason__startswith="rule:")
        judged = above.filter(u__lt=0.3, output__outcome__blind=True)
        assert point.outputs == Output.objects.count()
        assert point.automatic == above.count()
        assert point.checked == judged.count()
        assert point.wrong == judged.filter(output__outcome__wrong=True).count()


def test_a_single_threshold_matches_its_point_on_the_curve(stream: Stream) -> None:
    _past(stream)
    daily_counts.refresh_counts(now=LATER)
    cells = _cells(stream)
    price = PolicyCosts(Costs(review=0.5, error=10), 2)
    for point in threshold_curve.compute_curve(cells, price):
        alone = threshold_curve.simulate_threshold(cells, point.threshold, price)
        assert (alone.automatic, alone.checked, alone.wrong) == (point.automatic, point.checked, point.wrong)
        assert alone.rate == pytest.approx(point.rate)
        assert alone.cost == pytest.approx(point.cost)
    parts = threshold_curve.simulate_groups(cells, lambda cell: cell.predicted, 0.5, FREE)
    assert sum(point.automatic for _, point in parts) == threshold_curve.simulate_threshold(cells, 0.5, FREE).automatic


def test_the_value_of_wrong_outputs_prices_the_errors_of_a_threshold(stream: Stream) -> None:
    _past(stream)
    Output.objects.update(value=50)
    Output.objects.filter(pk__in=Output.objects.order_by("pk").values("pk")[:100]).update(value=-50)
    daily_counts.refresh_counts(now=LATER)
    cells = _cells(stream)
    judged = Outcome.objects.filter(wrong=True, blind=True, output__route__u__lt=0.3, output__confidence__isnull=False)
    judged = judged.exclude(output__route__reason__startswith="rule:")
    assert sum(cell.wrong_value for cell in cells) == 50 * judged.filter(output__value=50).count() > 0
    plain = threshold_curve.simulate_threshold(cells, 0.5, FREE)
    priced = threshold_curve.simulate_threshold(cells, 0.5, PolicyCosts(Costs(value_factor=0.1), 1))
    above = judged.filter(output__confidence__gte=0.5).exclude(output__route__reason__startswith="rule:")
    dearer = 0.1 * 50 * above.filter(output__value=50).count() / above.count()  # per error, which costs 1 without it
    assert plain.error_cost
    assert priced.error_cost == pytest.approx(plain.error_cost * (1 + dearer))


def test_a_late_label_recounts_only_its_day(stream: Stream) -> None:
    _past(stream)
    daily_counts.refresh_counts(now=LATER)
    before = {row.day: row.counted_at for row in CountedDay.objects.all()}
    outcome = Outcome.objects.filter(wrong=False, blind=True, output__route__u__lt=0.3).latest("output_id")
    Outcome.objects.filter(pk=outcome.pk).update(wrong=True, settled="billing", settled_at=LATER + timedelta(hours=1))
    daily_counts.refresh_counts(now=LATER + timedelta(hours=2))
    changed = [row.day for row in CountedDay.objects.all() if row.counted_at != before[row.day]]
    assert len(changed) == 1
    drawn = Outcome.objects.filter(wrong=True, blind=True, output__route__u__lt=0.3, output__confidence__isnull=False)
    raw = drawn.exclude(output__route__reason__startswith="rule:").count()
    assert sum(OutputCount.objects.values_list("wrong", flat=True)) == raw


def test_a_day_with_unrouted_outputs_is_recounted_until_routed(stream: Stream) -> None:
    _past(stream)
    waiting = Output.objects.latest("id")
    Output.objects.filter(pk=waiting.pk).update(state=Output.State.RECEIVED)
    daily_counts.refresh_counts(now=LATER)
    day = CountedDay.objects.get(waiting=1)
    Output.objects.filter(pk=waiting.pk).update(state=Output.State.DECIDED)
    daily_counts.refresh_counts(now=LATER + timedelta(days=3))
    day.refresh_from_db()
    assert day.waiting == 0
    assert day.counted_at == LATER + timedelta(days=3)


def test_a_day_counted_without_review_times_is_recounted(stream: Stream) -> None:
    _past(stream)
    daily_counts.refresh_counts(now=LATER)
    day = CountedDay.objects.order_by("day").first()
    assert day
    CountedDay.objects.filter(pk=day.pk).update(reviews=None, active_seconds=None)
    daily_counts.refresh_counts(now=LATER + timedelta(days=3))
    again = CountedDay.objects.get(pk=day.pk)
    assert (again.reviews, again.active_seconds) == (day.reviews, day.active_seconds)


def test_counting_twice_changes_nothing(stream: Stream) -> None:
    _past(stream)
    daily_counts.refresh_counts(now=LATER)
    rows = list(
        OutputCount.objects.order_by("day", "bin", "predicted", "p", "settled", "ruled").values_list("day", "outputs")
    )
    daily_counts.recount_stream(stream=stream, now=LATER)
    again = list(
        OutputCount.objects.order_by("day", "bin", "predicted", "p", "settled", "ruled").values_list("day", "outputs")
    )
    assert rows == again


def test_segments_are_counted_once_a_policy_uses_them(stream: Stream) -> None:
    segments = [{"language": "de"}, {"language": "de", "tier": "gold"}, {"language": "en"}, {"tier": "gold"}]
    stream_history.write_history(stream, [0.9] * 4, [False] * 4, segments=segments)
    daily_counts.refresh_counts(now=LATER)
    assert {tuple(cell.segment.items()) for cell in _cells(stream)} == {()}
    spec = versions.validate_spec({**POLICY, "segments": [{"when": {"language": "de"}, "threshold": 0.9}]})
    version = versions.save_version(stream=stream, spec=spec, actor="user:mara")
    versions.activate_version(policy=version, by="user:mara", approved_by="user:max", now=NOON)
    daily_counts.refresh_counts(now=LATER + timedelta(hours=1))
    outputs: Counter[Any] = Counter()
    for cell in _cells(stream):
        outputs[tuple(cell.segment.items())] += cell.outputs
    assert outputs == {(("language", "de"),): 2, (("language", "en"),): 1, (("language", None),): 1}


def test_a_killed_sweep_counts_all_or_nothing(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    _past(stream)
    whole, days = daily_counts.count_day, []

    def dying(**day: Any) -> None:
        days.append(day)
        if len(days) == 3:
            raise KeyboardInterrupt
        whole(**day)

    monkeypatch.setattr(daily_counts, "count_day", dying)
    with pytest.raises(KeyboardInterrupt):
        daily_counts.refresh_counts(now=LATER)
    monkeypatch.undo()
    daily_counts.refresh_counts(now=LATER + timedelta(minutes=1))
    assert sum(OutputCount.objects.values_list("outputs", flat=True)) == Output.objects.count()


def test_with_several_rates_the_interval_follows_the_weighted_rate(stream: Stream) -> None:
    cells = [
        CountCell("refund", {}, False, 60, 0.01, "", outputs=1000, drawn=10, judged=10, wrong=2),
        CountCell("refund", {}, False, 60, 1.0, "", outputs=500, drawn=500, judged=500, wrong=1),
    ]
    point = threshold_curve.simulate_threshold(cells, 0.5, FREE)
    assert point.rate
    assert point.low
    assert point.high
    assert point.low < point.rate < point.high


def test_days_whose_strictest_bin_was_coarser_are_counted_anew(stream: Stream) -> None:
    stream_history.write_history(stream, [0.99995, 0.9999995, 0.5], [False, True, False])
    daily_counts.refresh_counts(now=LATER)
    counted = sorted(OutputCount.objects.values_list("bin", "outputs"))
    OutputCount.objects.filter(bin__gt=66).update(bin=66)
    stream_setup.run_sql(import_module("escalation.migrations.0037_stricter_thresholds").RECOUNT_DAYS)
    daily_counts.refresh_counts(now=LATER)
    assert sorted(OutputCount.objects.values_list("bin", "outputs")) == counted
    assert max(counted) == (len(THRESHOLDS) - 1, 1)
