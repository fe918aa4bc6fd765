"""Confidence sequences, against golden values and their error probability under continuous monitoring."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from escalation import statistics
from escalation.statistics import compute_confidence_sequence

GOLDEN: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "golden.json").read_text("ascii"))


@pytest.mark.parametrize("case", GOLDEN["log_evalue"])
def test_the_log_evalue_matches_its_golden_value(case: dict[str, Any]) -> None:
    found = statistics.compute_log_evalue(case["n_acc"], case["ks"], case["pis"], case["alpha"])
    assert found == pytest.approx(case["log_e"], abs=1e-9)


@pytest.mark.parametrize("case", GOLDEN["confidence_sequence"])
def test_the_sequence_matches_its_golden_value(case: dict[str, Any]) -> None:
    found = compute_confidence_sequence(case["n_acc"], case["ks"], case["pis"], 0.05)
    assert [found.estimate, found.low, found.high] == pytest.approx(case["res"], abs=1e-9)


def test_reading_after_every_audit_misses_no_more_often_than_delta() -> None:
    rng = np.random.default_rng(11)
    risk, p, misled = 0.05, 0.2, 0
    for _ in range(200):
        found = np.cumsum(rng.random(1200) < risk * p)
        evalues = [statistics.compute_log_evalue(n, [int(found[n - 1])], [p], risk) for n in range(50, 1200, 50)]
        misled += max(evalues) >= math.log(1 / 0.05)
    assert misled <= 20


def test_without_errors_it_starts_at_zero_and_narrows_as_more_is_accepted() -> None:
    few = compute_confidence_sequence(500, [0], [0.1], 0.05)
    many = compute_confidence_sequence(5000, [0], [0.1], 0.05)
    assert (few.low, many.low) == (0.0, 0.0)
    assert many.high < few.high < 1


def test_with_nothing_accepted_the_interval_is_zero_to_one() -> None:
    found = compute_confidence_sequence(0, [0], [0.1], 0.05)
    assert (found.low, found.high) == (0.0, 1.0)


def test_all_errors_give_a_valid_interval() -> None:
    found = compute_confidence_sequence(50, [50], [1.0], 0.05)
    assert found.estimate == 1.0
    assert 0.8 < found.low < found.high == 1.0


@pytest.mark.parametrize(("n", "ks", "pis"), [(2, [3], [1.0]), (2, [-1], [1.0]), (2, [1], [0.0]), (2, [], [])])
def test_invalid_evidence_counts_are_rejected(n: int, ks: list[int], pis: list[float]) -> None:
    with pytest.raises(ValueError, match="invalid counts or probabilities"):
        statistics.compute_log_evalue(n, ks, pis, 0.02)
