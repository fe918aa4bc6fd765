"""The grid of thresholds: its values stay where they are, read differently everywhere, and reach modern models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from escalation.forms import text_values
from escalation.guarantees import certification
from escalation.guarantees.thresholds import THRESHOLDS, find_threshold_index
from escalation.outputs import history
from escalation.policies import describe
from escalation.templatetags import figures
from reviewqueue.verdicts import wording

# Of the first release: its stored bins are indices into this grid, and its evaluations name the hash.
FIRST_GRID_SIZE = 67
FIRST_GRID_HASH = "8a038ad2caabf99f92b9fe7d539a99030b7fe9aec04b802359db53ada6000afa"


def test_a_stored_bin_means_what_it_meant_in_the_first_grid() -> None:
    first = THRESHOLDS[:FIRST_GRID_SIZE]
    assert hashlib.sha256(json.dumps(first).encode()).hexdigest() == FIRST_GRID_HASH
    assert list(THRESHOLDS) == sorted(set(THRESHOLDS))
    assert THRESHOLDS[-1] == 1 - 1e-6
    assert len(THRESHOLDS) <= 100
    assert [find_threshold_index(one) for one in THRESHOLDS] == list(range(len(THRESHOLDS)))


@pytest.mark.parametrize("format_text", [text_values.format_percent, describe.format_percent, figures.percent])
def test_every_threshold_of_the_grid_is_read_back_as_it_was_written(format_text: Callable[[float], str]) -> None:
    assert [text_values.parse_percent(format_text(one)) for one in THRESHOLDS] == list(THRESHOLDS)


@pytest.mark.parametrize(
    "format_text",
    [
        figures.percent,
        figures.rate,
        figures.threshold_number,
        history._format_percent,
        describe.format_percent,
    ],
)
def test_no_two_thresholds_of_the_grid_read_alike(format_text: Callable[[float], str]) -> None:
    assert len({format_text(one) for one in THRESHOLDS}) == len(THRESHOLDS)


def test_a_confidence_just_below_its_threshold_reads_differently_at_the_desk() -> None:
    for confidence, threshold in pairwise(THRESHOLDS):
        close = {"message": "%(is)s, below %(needed)s", "params": {"is": confidence, "needed": threshold}}
        read = wording.explain_review(close).split(", below ")
        assert read[0] != read[1], read


def test_a_model_whose_confidences_all_exceed_9999_gets_a_useful_threshold() -> None:
    """Its errors lie below 0.99993, so seven in ten of its outputs can be automated."""
    rng = np.random.default_rng(3)
    scores = 0.9999 + 1e-4 * rng.random(4_000)
    wrong = (scores < 0.99993) & (rng.random(4_000) < 0.5)
    bins = np.bincount(np.searchsorted(THRESHOLDS, scores, side="right") - 1, minlength=len(THRESHOLDS))
    plan = certification.plan_walks(bins.tolist(), max_error=0.02, declared_audits=1_000, declared_delta=0.03)
    for found in (
        certification.certify_anytime(scores, wrong, plan, alpha=0.02, delta=0.02),
        certification.certify_declared(scores[:1_000], wrong[:1_000], plan, alpha=0.02, delta=0.03),
    ):
        assert found
        assert 0.99992 <= found.threshold < 0.99996
        assert np.mean(scores >= found.threshold) > 0.4
