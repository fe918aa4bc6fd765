"""Statistics over numpy and scipy.special: small formulas, each with its source, units and shapes. Pure.

`intervals`: rates and their intervals. `certification`: thresholds that meet an error target. `evidence`: the same,
valid however often one looks. `confidence_sequence`: intervals that stay valid under continuous monitoring.
`change_detection`: a rising risk. `calibration`: how confidence compares with accuracy.
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
    describe_threshold,
    walk_carrying,
    walk_grid,
)
from escalation.statistics.change_detection import (
    ALARM_LEVEL,
    DetectorState,
    estimate_detection_delay,
    update_detector,
)
from escalation.statistics.confidence_sequence import (
    ConfidenceSequence,
    compute_confidence_sequence,
    compute_log_evalue,
)
from escalation.statistics.evidence import (
    ANYTIME_COVERAGES,
    DECLARED_SHARE,
    FORMER_DECLARED_SHARE,
    choose_anytime_starts,
    compute_log_evalues,
    compute_min_anytime_labels,
)
from escalation.statistics.intervals import (
    MIN_AUDITS_FOR_RATE,
    compute_clopper_pearson,
    compute_lower_bound,
    compute_upper_bound,
    compute_weighted_interval,
    compute_weighted_rate,
)
from escalation.statistics.walk_plans import MAX_START_SHARE, plan_starts

__all__ = [
    "ALARM_LEVEL",
    "ANYTIME_COVERAGES",
    "COLD_START_COUNT",
    "DECLARED_SHARE",
    "FORMER_DECLARED_SHARE",
    "MAX_START_SHARE",
    "MIN_AUDITS_FOR_RATE",
    "CertifiedThreshold",
    "ConfidenceSequence",
    "DetectorState",
    "ReliabilityBin",
    "WalkStart",
    "certify_threshold",
    "choose_anytime_starts",
    "choose_cold_starts",
    "choose_running_starts",
    "compute_clopper_pearson",
    "compute_confidence_sequence",
    "compute_evaluation_delta",
    "compute_labels_needed",
    "compute_log_evalue",
    "compute_log_evalues",
    "compute_lower_bound",
    "compute_min_anytime_labels",
    "compute_min_labels",
    "compute_p_values",
    "compute_upper_bound",
    "compute_weighted_interval",
    "compute_weighted_rate",
    "count_accepted",
    "describe_threshold",
    "estimate_detection_delay",
    "plan_starts",
    "update_detector",
    "walk_carrying",
    "walk_grid",
]
