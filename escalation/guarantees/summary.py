"""A stream's guarantee as pages and the API show it: the sentence, its evidence, its validity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from escalation import statistics
from escalation.guarantees import describe, drift, group_results, guarantees, population
from escalation.guarantees.group_results import GroupResult
from escalation.guarantees.guarantees import Guarantee
from escalation.guarantees.population import Population
from escalation.models import ErrorTarget, GuaranteeWatch, Stream
from escalation.policies import versions
from escalation.policies.versions import ActivePolicy
from escalation.test_items.recall import ReviewerRecall


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """One group of a guarantee now: its result, what is missing if it has no threshold, and the audits since."""

    result: GroupResult
    missing: str
    watch: GuaranteeWatch | None

    @property
    def is_guaranteed(self) -> bool:
        return self.result.threshold is not None and not self.has_alarm

    @property
    def has_alarm(self) -> bool:
        return self.watch is not None and self.watch.alarmed_at is not None

    @property
    def audits_since(self) -> int:
        return self.watch.audits if self.watch else 0

    @property
    def wrong_since(self) -> int:
        return self.watch.wrong if self.watch else 0

    @property
    def error_rate_since(self) -> float | None:
        return self.wrong_since / self.audits_since if self.audits_since else None

    @property
    def severity(self) -> tuple[bool, bool, float, str]:
        """For sorting, the smallest is the worst: an alarm, all in review, then the more errors the worse."""
        enough = self.audits_since >= statistics.MIN_AUDITS_FOR_RATE
        seen = (self.error_rate_since or 0.0) if enough else 0.0
        return not self.has_alarm, self.is_guaranteed, -seen, self.result.group


@dataclass(frozen=True, slots=True)
class GuaranteeSummary:
    """A guarantee with its evaluation: `certified` groups have a threshold; `refused` ones go to review entirely.

    audits, wrong: those at or above the thresholds. Of all groups, except that every audit of a set of labels is one of
    each label: it counts once, with the errors of the label that has the most. automation_rate: the share of outputs at
    or above the threshold; None if each group has its own. watches: the audits of each group since then. is_audited:
    whether automated outputs are audited now; otherwise drift would go unnoticed.
    """

    guarantee: Guarantee
    sentence: str
    certified: list[GroupResult]
    refused: list[tuple[GroupResult, str]]
    watches: list[GuaranteeWatch]
    is_audited: bool

    @property
    def groups(self) -> list[tuple[GroupResult, str]]:
        """All groups, those with a threshold first."""
        return [*((group, "") for group in self.certified), *self.refused]

    @property
    def statuses(self) -> list[GroupStatus]:
        """All groups, those in trouble first."""
        watches = {watch.group: watch for watch in self.watches}
        found = [
            GroupStatus(group, describe.describe_missing(group.refusal, group.params or {}), watches.get(group.group))
            for group, _ in self.groups
        ]
        return sorted(found, key=lambda status: status.severity)

    @property
    def worst(self) -> GroupStatus | None:
        """The group with the highest error rate since, of those with enough audits."""
        known = [status for status in self.statuses if status.audits_since >= statistics.MIN_AUDITS_FOR_RATE]
        return max(known, key=lambda status: status.error_rate_since or 0.0, default=None)

    @property
    def population(self) -> Population:
        return population.evaluated_population(self.guarantee.evaluation)

    @property
    def error_rate_since(self) -> float | None:
        return self.wrong_since / self.audits_since if self.audits_since else None

    @property
    def together(self) -> bool:
        return self.guarantee.evaluation.target.groups == "together"

    @property
    def audits(self) -> int:
        return self._combine(group.accepted for group in self.certified)

    @property
    def wrong(self) -> int:
        return self._combine(group.wrong for group in self.certified)

    @property
    def threshold_if_none_missed(self) -> float | None:
        """The threshold without the correction for errors that reviewers miss; None if each group has its own."""
        return self.certified[0].threshold_if_none_missed if self.together else None

    @property
    def reviewer_recall(self) -> ReviewerRecall | None:
        """What reviewers catch, as measured for this guarantee; None for those of earlier releases."""
        found = self.guarantee.evaluation.reviewer_recall
        return ReviewerRecall(**found) if found else None

    @property
    def audits_since(self) -> int:
        return self._combine(watch.audits for watch in self.watches)

    @property
    def wrong_since(self) -> int:
        return self._combine(watch.wrong for watch in self.watches)

    def _combine(self, numbers: Iterable[int]) -> int:
        if self.guarantee.evaluation.target.groups == ErrorTarget.Grouping.LABELS:
            return max(numbers, default=0)
        return sum(numbers)

    @property
    def error_range_since(self) -> tuple[float, float] | None:
        """Range of the error rate of automated outputs since the guarantee, from its audits; None before the first.

        However often it is read, all ranges ever read hold together with probability 1 - delta, as long as reviewers
        find the measured share of errors, or all errors if it was not measured. None if each group has its own
        threshold: their audits are answered at different times, so their sums do not represent the whole.
        """
        if not (self.together and self.audits_since):
            return None
        evaluation = self.guarantee.evaluation
        found = statistics.compute_confidence_sequence(
            self.audits_since, [self.wrong_since], [1.0], evaluation.target.delta
        )
        return found.low, min(
            1.0, found.high / (evaluation.reviewer_recall["low"] if evaluation.reviewer_recall else 1.0)
        )

    @property
    def automation_rate(self) -> float | None:
        return self.certified[0].coverage if self.together else None

    @property
    def threshold(self) -> float | None:
        return self.certified[0].threshold if self.together else None


def build_guarantee_summary(stream: Stream) -> GuaranteeSummary | None:
    """The latest guarantee, whether or not it still holds; None if there never was one."""
    guarantee = guarantees.find_latest_guarantee(stream)
    if guarantee is None:
        return None
    target = guarantee.evaluation.target
    explained = explain_groups(group_results.parse_group_results(guarantee.evaluation))
    return GuaranteeSummary(
        guarantee=guarantee,
        sentence=describe.describe_guarantee(
            target.max_error, target.delta, groups=target.groups, segment_key=target.segment_key
        ),
        certified=[group for group, _ in explained if group.threshold is not None],
        refused=[(group, why) for group, why in explained if group.threshold is None],
        watches=drift.list_watches(guarantee),
        is_audited=_has_audits(versions.find_active_policy(stream)),
    )


def _has_audits(current: ActivePolicy | None) -> bool:
    return current is not None and bool(current.spec.audit.rate or current.spec.audit.per_day)


def explain_groups(found: Sequence[GroupResult]) -> list[tuple[GroupResult, str]]:
    """Each evaluated group with the reason why it has no threshold (empty if it has one)."""
    return [
        (group, describe.describe_refusal(group.refusal, group.params or {}) if group.refusal else "")
        for group in found
    ]


def guarantee_as_json(summary: GuaranteeSummary | None) -> dict[str, Any] | None:
    """The guarantee as the API returns it; shares between 0 and 1."""
    if summary is None:
        return None
    evaluation = summary.guarantee.evaluation
    return {
        "text": summary.sentence,
        "error_target": evaluation.target.max_error,
        "confidence_level": _confidence_level(evaluation.target.delta),
        "in_force": summary.guarantee.holds,
        "ended": summary.guarantee.end_reason or None,
        "policy": summary.guarantee.policy_number,
        "since": summary.guarantee.since,
        "valid_until": evaluation.expires_at,
        "audits_since": summary.audits_since,
        "errors_since": summary.wrong_since,
        "error_range_since": summary.error_range_since,
        "groups": [
            {
                "group": group.group or None,
                "threshold": group.threshold,
                "audits": group.accepted,
                "errors": group.wrong,
                "bound": evaluation.max_error,
                "confidence_level": _confidence_level(group.delta),
                "threshold_if_none_missed": group.threshold_if_none_missed,
            }
            for group in summary.certified
        ],
        "sent_to_review": [group.group for group, _ in summary.refused],
        "assumes_perfect_reviewers": evaluation.reviewer_recall is None,
        "reviewer_recall": summary.reviewer_recall and asdict(summary.reviewer_recall),
        "evidence": str(evaluation.pk),
    }


def _confidence_level(delta: float) -> float:
    """1 - delta without the noise of floats: 0.95, never 0.9500000000000001."""
    return round(1 - delta, 12)


def statement_as_json(summary: GuaranteeSummary | None) -> dict[str, Any] | None:
    """The guarantee with the field names of earlier versions, for producers that still read them."""
    if summary is None:
        return None
    evaluation = summary.guarantee.evaluation
    return {
        "claim": summary.sentence,
        "holds": summary.guarantee.holds,
        "ended": summary.guarantee.end_reason or None,
        "checked_since": summary.audits_since,
        "wrong_since": summary.wrong_since,
        "range_since": summary.error_range_since,
        "policy": summary.guarantee.policy_number,
        "since": summary.guarantee.since,
        "valid_until": evaluation.expires_at,
        "max_error": evaluation.target.max_error,
        "doubt": evaluation.target.delta,
        "groups": [
            {
                "group": group.group or None,
                "threshold": group.threshold,
                "checked": group.accepted,
                "wrong": group.wrong,
                "bound": evaluation.max_error,
                "doubt": group.delta,
            }
            for group in summary.certified
        ],
        "to_people": [group.group for group, _ in summary.refused],
        "assumes_perfect_reviewers": evaluation.reviewer_recall is None,
        "evidence": str(evaluation.pk),
    }
