"""The statement about a stream as pages and the API tell it: what it says, on how many checks, until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from escalation.guarantees import describe, drift, evaluations, guarantees
from escalation.guarantees.evaluations import Group
from escalation.guarantees.guarantees import Statement
from escalation.models import Stream, Watch
from escalation.policies import versions
from escalation.policies.versions import Active
from escalation.statistics import confidence_sequence


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement with what its look found: `found` have a threshold, of everything else (`refused`) people see all.

    checked, wrong: the checks above the thresholds, summed. share: of what came in, how much was at or above the
    threshold; None where each group has its own. watches: how the checks of each group have gone since.
    watched: whether anything is checked at random now; otherwise nobody would notice more mistakes.
    """

    statement: Statement
    claim: str
    found: list[Group]
    refused: list[tuple[Group, str]]
    watches: list[Watch]
    watched: bool

    @property
    def groups(self) -> list[tuple[Group, str]]:
        """Those with a threshold first."""
        return [*((group, "") for group in self.found), *self.refused]

    @property
    def together(self) -> bool:
        return self.statement.attempt.target.groups == "together"

    @property
    def checked(self) -> int:
        return sum(group.accepted for group in self.found)

    @property
    def wrong(self) -> int:
        return sum(group.wrong for group in self.found)

    @property
    def checked_since(self) -> int:
        return sum(watch.checked for watch in self.watches)

    @property
    def wrong_since(self) -> int:
        return sum(watch.wrong for watch in self.watches)

    @property
    def range_since(self) -> tuple[float, float] | None:
        """How much has gone wrong of what went out since, as far as its checks tell; None before the first.

        However often it is read, all the ranges ever read hold together with probability 1 - `doubt`, as long as
        reviewers find the share of mistakes that was measured, or all where none was. None where each group has its
        own threshold: their checks wait for their answers apart, so their sums are no fair look at the whole.
        """
        if not (self.together and self.checked_since):
            return None
        attempt = self.statement.attempt
        found = confidence_sequence(self.checked_since, [self.wrong_since], [1.0], attempt.target.doubt)
        return found.low, min(1.0, found.high / (attempt.caught["low"] if attempt.caught else 1.0))

    @property
    def share(self) -> float | None:
        return self.found[0].coverage if self.together else None

    @property
    def threshold(self) -> float | None:
        return self.found[0].threshold if self.together else None


def of(stream: Stream) -> Stated | None:
    """The statement about the policy in effect, whether or not it still holds; None where there never was one."""
    statement = guarantees.in_force(stream)
    if statement is None:
        return None
    target, told = statement.attempt.target, groups(evaluations.groups_of(statement.attempt))
    return Stated(
        statement=statement,
        claim=describe.promise(target.max_error, target.doubt),
        found=[group for group, _ in told if group.threshold is not None],
        refused=[(group, why) for group, why in told if group.threshold is None],
        watches=drift.of(statement),
        watched=_draws(versions.active(stream)),
    )


def _draws(current: Active | None) -> bool:
    return current is not None and bool(current.spec.audit.rate or current.spec.audit.per_day)


def groups(found: Sequence[Group]) -> list[tuple[Group, str]]:
    """Each group that was looked at, and why there is no threshold for it; that is empty where there is one."""
    return [(group, describe.refusal(group.refusal, group.params or {}) if group.refusal else "") for group in found]


def as_json(stated: Stated | None) -> dict[str, Any] | None:
    """The statement as the API spells it; shares between 0 and 1."""
    if stated is None:
        return None
    attempt = stated.statement.attempt
    return {
        "claim": stated.claim,
        "holds": stated.statement.holds,
        "ended": stated.statement.ended or None,
        "checked_since": stated.checked_since,
        "wrong_since": stated.wrong_since,
        "range_since": stated.range_since,
        "policy": stated.statement.policy,
        "since": stated.statement.since,
        "valid_until": attempt.expires_at,
        "max_error": attempt.target.max_error,
        "doubt": attempt.target.doubt,
        "groups": [
            {
                "group": group.group or None,
                "threshold": group.threshold,
                "checked": group.accepted,
                "wrong": group.wrong,
                "bound": group.bound,
                "doubt": group.delta,
            }
            for group in stated.found
        ],
        "to_people": [group.group for group, _ in stated.refused],
        "assumes_perfect_reviewers": attempt.caught is None,
        "evidence": str(attempt.pk),
    }
