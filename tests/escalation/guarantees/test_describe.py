"""What is said in plain words is never better than what is known."""

from __future__ import annotations

import pytest

from escalation import statistics
from escalation.guarantees import describe
from escalation.statistics import ReliabilityBin


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.02, "2 in 100"),
        (0.07, "7 in 100"),  # 0.07 * 100 is a little more than 7
        (0.005, "5 in 1,000"),
        (0.0125, "1.25 in 100"),
        (0.29, "29 in 100"),
        (1.0, "100 in 100"),
        (0.00009, "less than 1 in 10,000"),
    ],
)
def test_a_share_that_has_few_digits_is_said_as_it_is(share: float, said: str) -> None:
    assert describe.describe_share(share) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.01234, "1.24 in 100"),
        (0.0099999, "1 in 100"),
        (0.12301, "12.4 in 100"),
        (0.001111, "1.12 in 1,000"),
        (0.0500001, "5.01 in 100"),
    ],
)
def test_a_share_never_sounds_smaller_than_it_is(share: float, said: str) -> None:
    assert describe.describe_share(share) == said


def test_no_target_that_can_be_set_sounds_smaller_or_larger_than_it_is() -> None:
    for hundredths in range(1, 10_001):
        part, _in, whole = describe.describe_share(hundredths / 10_000).split()
        assert float(part) / int(whole.replace(",", "")) >= hundredths / 10_000 - 1e-12
        if hundredths < 1000 or hundredths % 10 == 0:
            assert float(part) / int(whole.replace(",", "")) == pytest.approx(hundredths / 10_000, abs=1e-12)


def test_too_few_says_that_its_number_is_without_a_single_mistake() -> None:
    said = describe.describe_refusal("too_few", {"have": 60, "least": 90, "more": 30, "days": 3})
    assert "60 checked outputs are too few for this target: about 30 more checked outputs" in said
    assert "only if not one of all of them is wrong" in said


def _bins(*wrong: int, n: int = 200) -> list[ReliabilityBin]:
    """Parts of equal width in which so many of n were wrong."""
    width = 1 / len(wrong)
    return [
        ReliabilityBin(
            low=at * width,
            high=(at + 1) * width,
            n=n,
            mean_confidence=(at + 0.5) * width,
            accuracy=1 - errors / n,
            interval=statistics.compute_clopper_pearson(n - errors, n, 0.05),
        )
        for at, errors in enumerate(wrong)
    ]


def test_errors_that_fall_all_the_way_are_said_to_fall() -> None:
    assert "The surer the AI is, the more often it is right" in describe.describe_calibration(_bins(80, 40, 20, 4))


def test_errors_that_rise_by_no_more_than_chance_still_fall() -> None:
    assert "The surer the AI is, the more often it is right" in describe.describe_calibration(_bins(80, 40, 44, 4))


@pytest.mark.parametrize(("wrong", "sure"), [((10, 80, 10), 50), ((10, 10, 60, 20), 62), ((60, 10, 40, 2), 62)])
def test_errors_that_rise_in_the_middle_are_said_to_and_where(wrong: tuple[int, ...], sure: int) -> None:
    said = describe.describe_calibration(_bins(*wrong))
    assert f"around {sure}\u00a0% sure" in said
    assert "The surer the AI is" not in said


def test_the_worst_of_two_rises_is_named() -> None:
    assert "around 58\u00a0% sure" in describe.describe_calibration(_bins(40, 4, 30, 90, 20, 2))


@pytest.mark.parametrize("wrong", [(60, 10, 40), (10, 10, 60), (10, 80, 60)])
def test_errors_that_rise_at_the_top_are_said_to(wrong: tuple[int, ...]) -> None:
    assert "The surest answers are wrong more often" in describe.describe_calibration(_bins(*wrong))


def test_errors_that_hardly_change_and_parts_that_say_nothing() -> None:
    assert "says little about whether it is right" in describe.describe_calibration(_bins(20, 21, 19))
    assert "Too few checked outputs" in describe.describe_calibration(_bins(2, 8, 1, n=9))
