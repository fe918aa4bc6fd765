"""Threshold previews and calibration on a few outputs: every figure computed by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from escalation.guarantees import targets, thresholds
from escalation.guarantees.population import Population
from escalation.models import Outcome, Output, Route, Stream, output_id
from escalation.policies.spec import Costs
from escalation.reports.costs import PolicyCosts
from escalation.routing import decide
from escalation.simulation import daily_counts, explorer, threshold_curve
from escalation.simulation.explorer import Traffic
from escalation.simulation.threshold_curve import CountCell, ThresholdPoint
from reviewqueue.kernel import clock
from reviewqueue.models import User
from tests.escalation.guarantees.test_evaluations import honest
from tests.helpers import stream_history, traffic
from tests.helpers.traffic import NOON

LATER = NOON + timedelta(days=11)
POLICY: dict[str, Any] = {
    "threshold": 0.95,
    "segments": [{"when": {"language": "de"}, "threshold": 0.99}],
    "rules": [{"name": "arrivals", "when": {"prediction": {"eq": "card_arrival"}}}],
    "audit": {"rate": 0.5},
    "reviews": 2,
}  # a review costs 0.5 and an error 10, as in `traffic.apply_stream`


class Past(NamedTuple):
    """An output of the small stream; `checked` is None if it was not drawn, otherwise whether it was wrong."""

    predicted: str
    confidence: float | None
    language: str
    checked: bool | None = None


# At 0.8 the first eight are automated: five refund, three billing.
SMALL = [
    Past("refund", 0.95, "de", checked=False),
    Past("refund", 0.95, "de"),
    Past("refund", 0.85, "en", checked=True),
    Past("refund", 0.85, "en"),
    Past("refund", 0.80, ""),
    Past("billing", 0.90, "en", checked=False),
    Past("billing", 0.92, "en", checked=False),
    Past("billing", 0.99, "de"),
    Past("refund", 0.60, "de", checked=True),
    Past("billing", 0.79, "de"),
    Past("billing", None, "en"),
    Past("card_arrival", 0.99, "en", checked=True),  # sent to review by a rule
]


@pytest.fixture
def small(queue: object, monkeypatch: pytest.MonkeyPatch) -> Stream:
    """Twelve outputs, routed with an audit rate of 0.5 as in `SMALL`."""
    drawn = {f"past-{at}" for at, past in enumerate(SMALL) if past.checked is not None}
    monkeypatch.setattr(decide, "draw_permanent_number", lambda _secret, *parts: 0.1 if parts[-1] in drawn else 0.9)
    stream = traffic.apply_stream(policy=POLICY)
    stream_history.write_history(
        stream,
        [past.confidence for past in SMALL],
        [bool(past.checked) for past in SMALL],
        predicted=[past.predicted for past in SMALL],
        segments=[{"language": past.language} if past.language else {} for past in SMALL],
    )
    # All but the one with a confidence of 99 % were reviewed: ten once, for 6 s each, and the first three times, for
    # 44 s together. So 13 reviews took 104 s, 8 s each.
    assert Outcome.objects.count() == 11
    Outcome.objects.filter(pk=Output.objects.earliest("pk").pk).update(reviews=3, active_seconds=44.0)
    daily_counts.refresh_counts(now=LATER)
    return stream


def _at(stream: Stream, threshold: float) -> explorer.ThresholdPreview:
    seen = explorer.load_traffic(stream, now=LATER)
    assert seen
    return explorer.preview_threshold(seen, threshold, parts=True)


def _at_least(k: int, n: int, rate: float) -> float:
    """P(at least k of n) at this rate."""
    return sum(math.comb(n, i) * rate**i * (1 - rate) ** (n - i) for i in range(k, n + 1))


def _is_exact(point: ThresholdPoint, k: int, n: int) -> None:
    """Clopper and Pearson's interval by definition: at either end, the observation has a probability of 2.5 %."""
    assert point.low is not None
    assert point.high is not None
    assert _at_least(k, n, point.low) == pytest.approx(0.025)
    assert 1 - _at_least(k + 1, n, point.high) == pytest.approx(0.025)


def test_a_preview_on_a_small_stream_matches_a_hand_count(small: Stream) -> None:
    point = _at(small, 0.8).point
    assert (point.outputs, point.automatic, point.to_review) == (12, 8, 4)
    assert point.automation_rate == pytest.approx(2 / 3)
    # Of the eight, four were drawn and one of these was wrong: 250 of 1,000, the textbook's 0.63 % to 80.59 %.
    assert (point.checked, point.wrong) == (4, 1)
    assert point.rate == pytest.approx(0.25)
    assert point.low == pytest.approx(0.0063, abs=5e-5)
    assert point.high == pytest.approx(0.8059, abs=5e-5)
    _is_exact(point, 1, 4)


def test_a_preview_has_review_hours_and_costs(small: Stream) -> None:
    trial = _at(small, 0.8)
    # Four items of two reviews of eight seconds.
    assert trial.hours == pytest.approx(64 / 3600)
    assert trial.point.review_cost == pytest.approx(4 * 2 * 0.5)
    # A quarter of the eight automated outputs is wrong, at 10 each.
    assert trial.point.error_cost == pytest.approx(20.0)
    assert trial.point.cost == pytest.approx(24.0)


def test_a_preview_has_figures_per_class(small: Stream) -> None:
    classes = _at(small, 0.8).classes
    assert [name for name, _ in classes] == ["refund", "billing", "card_arrival"]
    refund, billing, arrival = (point for _, point in classes)
    assert (refund.outputs, refund.automatic, refund.checked, refund.wrong) == (6, 5, 2, 1)
    assert refund.rate == pytest.approx(0.5)
    _is_exact(refund, 1, 2)
    assert refund.error_cost == pytest.approx(0.5 * 5 * 10)
    assert refund.review_cost == pytest.approx(1.0)
    assert (billing.outputs, billing.automatic, billing.checked, billing.wrong) == (5, 3, 2, 0)
    # No error in two: up to the rate at which that has a probability of 2.5 %.
    assert billing.rate == 0.0
    assert billing.low == 0.0
    assert billing.high == pytest.approx(1 - math.sqrt(0.025))
    assert billing.error_cost == 0.0
    assert billing.review_cost == pytest.approx(2.0)
    assert (arrival.outputs, arrival.automatic, arrival.checked, arrival.rate) == (1, 0, 0, None)
    assert arrival.error_cost == 0.0
    assert arrival.review_cost == pytest.approx(1.0)


@pytest.mark.parametrize("days_ago", [0, 20])
def test_changes_of_any_day_are_in_the_next_preview(queue: object, days_ago: int) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.5, "audit": {"rate": 0.5}})
    stream_history.write_history(
        stream, [0.9] * 400, [False] * 400, since=LATER - timedelta(days=25), span=timedelta(days=25)
    )
    daily_counts.refresh_counts(now=LATER)
    assert _at(stream, 0.5).point.wrong == 0
    first, last = output_id.id_range_of_day(clock.team_date(LATER - timedelta(days=days_ago)))
    drawn = list(
        Route.objects.filter(output_id__gte=first, output_id__lt=last, u__lt=0.5).values_list("output_id", flat=True)
    )
    known = Outcome.objects.filter(pk__in=drawn).update(wrong=True, settled="billing", settled_at=LATER)
    daily_counts.refresh_counts(now=LATER)
    assert _at(stream, 0.5).point.wrong == known > 0


def test_a_preview_has_figures_per_segment_unknown_without_audits(small: Stream) -> None:
    segments = _at(small, 0.8).segments
    assert list(segments) == ["language"]
    assert [name for name, _ in segments["language"]] == ["en", "de", ""]
    english, german, none = (point for _, point in segments["language"])
    assert (english.outputs, english.automatic, english.checked, english.wrong) == (6, 4, 3, 1)
    assert english.rate == pytest.approx(1 / 3)
    _is_exact(english, 1, 3)
    assert english.error_cost == pytest.approx(40 / 3)
    assert english.review_cost == pytest.approx(2.0)
    assert (german.outputs, german.automatic, german.checked, german.wrong) == (5, 3, 1, 0)
    assert german.rate == 0.0
    assert german.low == 0.0
    assert german.high == pytest.approx(0.975)
    assert (none.outputs, none.automatic, none.checked) == (1, 1, 0)
    assert (none.rate, none.error_cost, none.cost) == (None, None, None)


def test_a_threshold_between_two_counts_as_the_stricter_one(small: Stream) -> None:
    strict = _at(small, 0.995).point
    assert (strict.automatic, strict.rate, strict.error_cost) == (0, None, 0.0)
    # 0.8001 counts as 0.82: outputs at 0.80 are then sent to review.
    assert _at(small, 0.8001).point.automatic == 7


def test_audits_at_two_rates_are_weighted() -> None:
    # Eight audits stand for themselves and two for two each, both of them wrong: a third of twelve, at 1 each.
    point = explorer.preview_threshold(_seen(_cell(0.9, 8, 0), _cell(0.9, 2, 2, p=0.5)), 0.8).point
    assert (point.automatic, point.checked, point.wrong) == (12, 10, 2)
    assert point.rate == pytest.approx(1 / 3)
    assert point.error_cost == pytest.approx(4.0)
    # Worth (8 x 1 + 2 x 2)^2 / (8 x 1 + 2 x 4) = 9 audits, three of them wrong: the textbook's 7.49 % to 70.07 %.
    assert point.low == pytest.approx(0.0749, abs=5e-5)
    assert point.high == pytest.approx(0.7007, abs=5e-5)
    _is_exact(point, 3, 9)


def _cell(confidence: float, judged: int, wrong: int, *, p: float = 1.0, **fields: Any) -> CountCell:
    plain: dict[str, Any] = {"predicted": "refund", "segment": {}, "ruled": False, "settled": ""}
    return CountCell(
        **{**plain, **fields},
        bin=thresholds.THRESHOLDS.index(confidence),
        p=p,
        outputs=round(judged / p),
        drawn=judged,
        judged=judged,
        wrong=wrong,
    )


def _seen(*cells: CountCell) -> Traffic:
    price = PolicyCosts(Costs(), 1)
    return Traffic(
        population=Population("clf", "1", 1),
        since=date(2025, 3, 1),
        until=date(2025, 3, 28),
        cells=cells,
        points=threshold_curve.compute_curve(cells, price),
        price=price,
        seconds_per_review=None,
    )


def test_calibration_weighs_audits_by_their_rate() -> None:
    # Ten audits stand for ten each, half of them wrong, and a hundred for themselves: a quarter is wrong.
    (part,) = explorer.measure_calibration(_seen(_cell(0.9, 10, 5, p=0.1), _cell(0.9, 100, 0))).bins
    assert part.n == 110
    assert part.accuracy == pytest.approx(0.75)
    # Worth (100 + 100)^2 / (10 x 100 + 100) = 36.4 audits, so the interval is that of 27.3 of them right.
    low, high = part.interval
    assert low == pytest.approx(0.58, abs=0.01)
    assert high == pytest.approx(0.88, abs=0.01)


def test_with_a_single_rate_the_interval_is_exact() -> None:
    for p in (1.0, 0.1, 0.03):
        (part,) = explorer.measure_calibration(_seen(_cell(0.9, 3, 0, p=p), _cell(0.92, 1, 1, p=p))).bins
        assert part.accuracy == pytest.approx(0.75)
        low, high = part.interval
        assert _at_least(3, 4, low) == pytest.approx(0.025)
        assert 1 - _at_least(4, 4, high) == pytest.approx(0.025)


def test_an_accuracy_of_zero_survives_rounding() -> None:
    counted = [2, 24, 22, 7, 18, 21, 2, 3, 7]
    rates = [
        0.01,
        0.1,
        0.03,
        0.1,
        0.3,
        0.03,
        0.07,
        0.1,
        0.1,
    ]  # on most machines the weighted mean of ones exceeds 1 with these
    cells = [_cell(0.9, n, n, p=p) for n, p in zip(counted, rates, strict=True)]
    (part,) = explorer.measure_calibration(_seen(*cells)).bins
    assert (part.accuracy, part.interval[0]) == (0.0, 0.0)


def test_mean_confidence_is_the_mean_not_the_middle_of_the_bin() -> None:
    (part,) = explorer.measure_calibration(_seen(_cell(0.80, 30, 0), _cell(0.88, 10, 0))).bins
    assert (part.low, part.high) == (0.8, 0.9)
    assert part.mean_confidence == pytest.approx((30 * 0.81 + 10 * 0.89) / 40)
    (weighted,) = explorer.measure_calibration(_seen(_cell(0.80, 30, 0), _cell(0.88, 10, 0, p=0.1))).bins
    assert weighted.mean_confidence == pytest.approx((30 * 0.81 + 100 * 0.89) / 130)
    (top,) = explorer.measure_calibration(_seen(_cell(0.999999, 10, 0))).bins
    assert top.mean_confidence == pytest.approx(0.9999995)


def test_calibration_excludes_ruled_and_unscored_outputs() -> None:
    unsure = CountCell("refund", {}, ruled=False, bin=-1, p=1.0, settled="", outputs=9, drawn=9, judged=9, wrong=9)
    assert explorer.measure_calibration(_seen(unsure, _cell(0.9, 9, 9, ruled=True))).bins == []


def test_calibration_error_and_brier_score_match_a_hand_computation() -> None:
    found = explorer.measure_calibration(_seen(_cell(0.5, 100, 60), _cell(0.9, 100, 10)))
    # At a confidence of 51 % it is right 40 times in 100; at 90.25 %, 90 times.
    assert found.calibration_error == pytest.approx((0.11 + 0.0025) / 2)
    by_hand = (60 * 0.51**2 + 40 * 0.49**2 + 10 * 0.9025**2 + 90 * 0.0975**2) / 200
    assert found.brier == pytest.approx(by_hand)
    confidences = np.repeat([0.51, 0.51, 0.9025, 0.9025], [60, 40, 10, 90])
    right = np.repeat([False, True, False, True], [60, 40, 10, 90])
    assert found.brier == pytest.approx(np.mean((confidences - right) ** 2))


def test_calibration_error_and_brier_score_are_weighted() -> None:
    found = explorer.measure_calibration(_seen(_cell(0.5, 100, 60, p=0.25), _cell(0.9, 100, 10)))
    assert found.calibration_error == pytest.approx((400 * 0.11 + 100 * 0.0025) / 500)
    by_hand = (240 * 0.51**2 + 160 * 0.49**2 + 10 * 0.9025**2 + 90 * 0.0975**2) / 500
    assert found.brier == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("cells", "known"),
    [
        ([(0.5, 100, 10), (0.9, 100, 10)], True),
        ([(0.5, 100, 10), (0.9, 99, 10)], False),
        ([(0.5, 100, 10), (0.9, 100, 9)], False),
    ],
)
def test_with_few_audits_or_errors_calibration_figures_are_unknown(
    cells: Sequence[tuple[float, int, int]], known: bool
) -> None:
    found = explorer.measure_calibration(_seen(*(_cell(*cell) for cell in cells)))
    assert (found.calibration_error is not None, found.brier is not None) == (known, known)
    assert found.audits == sum(judged for _, judged, _ in cells)
    assert found.wrong == sum(wrong for _, _, wrong in cells)


def _page(client: Client, mara: User, count: int) -> str:
    stream = traffic.apply_stream(policy={"threshold": 0.9, "audit": {"rate": 0.5, "mode": "after"}})
    stream_history.write_history(
        stream, *honest(count), since=timezone.now() - timedelta(days=9), span=timedelta(days=8)
    )
    daily_counts.refresh_counts()
    targets.set_error_target(stream=stream, max_error=0.05, actor="user:mara")
    client.force_login(mara)
    return client.get("/streams/intents/guarantee/").content.decode()


def test_the_page_describes_the_calibration_error(client: Client, mara: User) -> None:
    page = _page(client, mara, 1500)
    assert "percentage points apart" in page
    assert "Brier score: 0." in page
    assert "Too few audits for an average" not in page


def test_the_page_says_if_there_are_too_few_audits(client: Client, mara: User) -> None:
    page = _page(client, mara, 100)
    assert "Too few audits for an average calibration error" in page
    assert "percentage points apart" not in page
