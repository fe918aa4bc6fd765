"""Guarantees, error targets and calibration in plain words never sound better than what is known."""

from __future__ import annotations

import pytest

from escalation import statistics
from escalation.guarantees import describe
from escalation.statistics import ReliabilityBin


def test_a_guarantee_names_its_error_target_and_confidence_level() -> None:
    assert (
        describe.describe_guarantee(0.02, 0.05) == "At most 2 % of automated decisions are wrong, with 95 % confidence."
    )


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.02, "2 %"),
        (0.07, "7 %"),  # 0.07 * 100 is a little more than 7
        (0.005, "0.5 %"),
        (0.0125, "1.25 %"),
        (0.29, "29 %"),
        (1.0, "100 %"),
        (0.00009, "0.009 %"),
        (0.01234, "1.234 %"),
        (0.0099999, "0.99999 %"),
    ],
)
def test_a_maximum_error_shows_all_of_its_digits(share: float, text: str) -> None:
    assert describe.format_max_error(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(1 / 3, "33.333334 %"), (0.02 + 1e-10, "2.000001 %"), (0.0500001, "5.00001 %"), (1e-12, "0.000001 %")],
)
def test_a_maximum_error_never_looks_smaller_than_it_is(share: float, text: str) -> None:
    assert describe.format_max_error(share) == text


@pytest.mark.parametrize(
    ("delta", "text"),
    [(0.05, "95 %"), (0.001, "99.9 %"), (0.5, "50 %"), (0.07, "93 %"), (1 / 3, "66.666666 %"), (1e-12, "99.999999 %")],
)
def test_a_confidence_level_is_never_rounded_up(delta: float, text: str) -> None:
    assert describe.format_confidence_level(delta) == text


def test_every_target_that_can_be_set_is_shown_exactly() -> None:
    for hundredths in range(1, 10_001):
        share = hundredths / 10_000
        percent = float(describe.format_max_error(share).removesuffix(" %"))
        assert percent == pytest.approx(share * 100, abs=1e-9)
        level = float(describe.format_confidence_level(share).removesuffix(" %"))
        assert level == pytest.approx((1 - share) * 100, abs=1e-9)


def test_too_few_says_that_its_number_assumes_no_error() -> None:
    text = describe.describe_refusal("too_few", {"have": 60, "least": 90, "more": 30, "days": 3})
    assert "60 audits are too few for this error target: it takes about 30 more audits (3 days at" in text
    assert "only if none of the audits, old or new, finds an error" in text


def _bins(*wrong: int, n: int = 200) -> list[ReliabilityBin]:
    """Bins of equal width; in each, that many of n were wrong."""
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


def test_errors_that_fall_with_confidence_are_described_so() -> None:
    assert "The higher the confidence, the more often the model is right" in describe.describe_calibration(
        _bins(80, 40, 20, 4)
    )


def test_errors_that_rise_only_by_chance_still_fall() -> None:
    assert "The higher the confidence, the more often the model is right" in describe.describe_calibration(
        _bins(80, 40, 44, 4)
    )


@pytest.mark.parametrize(("wrong", "confidence"), [((10, 80, 10), 50), ((10, 10, 60, 20), 62), ((60, 10, 40, 2), 62)])
def test_errors_that_rise_in_the_middle_are_located(wrong: tuple[int, ...], confidence: int) -> None:
    text = describe.describe_calibration(_bins(*wrong))
    assert f"confidence of about {confidence}\u00a0% are wrong more often" in text
    assert "The higher the confidence" not in text


def test_the_worst_of_two_rises_is_named() -> None:
    assert "confidence of about 58\u00a0% are wrong more often" in describe.describe_calibration(
        _bins(40, 4, 30, 90, 20, 2)
    )


@pytest.mark.parametrize("wrong", [(60, 10, 40), (10, 10, 60), (10, 80, 60)])
def test_errors_that_rise_at_the_top_are_described_so(wrong: tuple[int, ...]) -> None:
    assert "Outputs with the highest confidence are wrong more often" in describe.describe_calibration(_bins(*wrong))


def test_flat_errors_and_too_few_audits_are_described_so() -> None:
    assert "says little about whether the model is right" in describe.describe_calibration(_bins(20, 21, 19))
    assert "Too few audits" in describe.describe_calibration(_bins(2, 8, 1, n=9))
