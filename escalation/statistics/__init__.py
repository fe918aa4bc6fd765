"""Statistics over numpy and scipy.special: small formulas, each with its source, units and shapes. Pure.

`intervals`: rates and their intervals. `certification`: thresholds that meet an error target. `confidence_sequence`:
intervals that stay valid under continuous monitoring. `change_detection`: a rising risk. `calibration`: how confidence
compares with accuracy.
"""

from escalation.statistics.calibration import ReliabilityBin
from escalation.statistics.certification import (
    COLD_START_COUNT,
    CertifiedThreshold,
    WalkStart,
    certify_threshold,
    choose_cold_starts,
    choose_running_starts,
    compute_evaluation_delta,
    compute_labels_needed,
    compute_min_labels,
    compute_p_values,
    count_accepted,
    walk_grid,
)
from escalation.statistics.change_detection import DetectorState, update_detector
from escalation.statistics.confidence_sequence import (
    ConfidenceSequence,
    compute_confidence_sequence,
    compute_log_evalue,
)
from escalation.statistics.intervals import (
    MIN_AUDITS_FOR_RATE,
    compute_clopper_pearson,
    compute_lower_bound,
    compute_upper_bound,
    compute_weighted_interval,
    compute_weighted_rate,
)

__all__ = [
    "COLD_START_COUNT",
    "MIN_AUDITS_FOR_RATE",
    "CertifiedThreshold",
    "ConfidenceSequence",
    "DetectorState",
    "ReliabilityBin",
    "WalkStart",
    "certify_threshold",
    "choose_cold_starts",
    "choose_running_starts",
    "compute_clopper_pearson",
    "compute_confidence_sequence",
    "compute_evaluation_delta",
    "compute_labels_needed",
    "compute_log_evalue",
    "compute_lower_bound",
    "compute_min_labels",
    "compute_p_values",
    "compute_upper_bound",
    "compute_weighted_interval",
    "compute_weighted_rate",
    "count_accepted",
    "update_detector",
    "walk_grid",
]
