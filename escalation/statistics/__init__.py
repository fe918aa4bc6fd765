"""Statistics over numpy and scipy.special: small formulas, each with its source, units and shapes. Pure.

Rates and their intervals stand in `intervals`, promises in `certification`, evidence that may be watched in `betting`,
a risk that rises in `detection`, whether a confidence means what it says in `calibration`.
"""

from escalation.statistics.calibration import Bin, Platt, brier, expected_error, fit_isotonic, fit_platt, reliability
from escalation.statistics.certification import (
    COLD_STARTS,
    Certified,
    Start,
    attempt_delta,
    certify,
    cold_starts,
    counts,
    labels_needed,
    n_min,
    p_values,
    running_starts,
    walk,
)
from escalation.statistics.change_detection import Watched, watch
from escalation.statistics.confidence_sequence import Sequential, confidence_sequence, log_evalue
from escalation.statistics.intervals import clopper_pearson, hajek, lower_bound, upper_bound, weighted_interval

__all__ = [
    "COLD_STARTS",
    "Bin",
    "Certified",
    "Platt",
    "Sequential",
    "Start",
    "Watched",
    "attempt_delta",
    "brier",
    "certify",
    "clopper_pearson",
    "cold_starts",
    "confidence_sequence",
    "counts",
    "expected_error",
    "fit_isotonic",
    "fit_platt",
    "hajek",
    "labels_needed",
    "log_evalue",
    "lower_bound",
    "n_min",
    "p_values",
    "reliability",
    "running_starts",
    "upper_bound",
    "walk",
    "watch",
    "weighted_interval",
]
