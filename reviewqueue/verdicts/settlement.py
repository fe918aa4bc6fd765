"""Decide whether an item's verdicts settle it, and with which outcome. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reviewqueue.answers import schema

ANSWERED, REJECTED, UNJUDGEABLE = "answered", "rejected", "unjudgeable"
SINGLE, MAJORITY, FINAL_SAY = "single", "majority", "final_say"
OUTCOMES_BY_KIND = {
    "agree": ANSWERED,
    "correct": ANSWERED,
    "answer": ANSWERED,
    "none": REJECTED,
    "unjudgeable": UNJUDGEABLE,
}

# The same string for answers that mean the same.
type Meaning = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's opinion: an outcome and, when that is `answered`, the answer; `typed` if they wrote it themselves
    instead of agreeing."""

    outcome: str
    answer: Any = None
    typed: bool = field(default=False, compare=False)

    @property
    def canonical_key(self) -> tuple[str, str]:
        return self.outcome, schema.canonical_key(self.answer)


def build_vote(kind: str, answer: Any) -> Vote | None:
    """The opinion of a verdict; None if it escalates."""
    outcome = OUTCOMES_BY_KIND.get(kind)
    return None if outcome is None else Vote(outcome, answer, typed=kind == "correct")


@dataclass(frozen=True, slots=True)
class CountedVerdict:
    """A counting verdict. `first_kind` is the kind of the first answer, before the proposal was shown; None without
    one."""

    id: int
    kind: str
    answer: Any
    first_kind: str | None
    first_answer: Any
    proposal_visible: bool
    final_say: bool
    final_at: datetime
    active_seconds: float | None = None

    @property
    def vote(self) -> Vote | None:
        """The opinion that counts for the decision; None if it escalates."""
        return build_vote(self.kind, self.answer)

    @property
    def first_vote(self) -> Vote | None:
        """The opinion that counts for errors and agreement; None if it escalates."""
        outcome = OUTCOMES_BY_KIND.get(self.first_kind or self.kind)
        return None if outcome is None else Vote(outcome, self.first_answer if outcome == ANSWERED else None)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The item is decided. `blind`: everybody who gave a first opinion did so without seeing the proposal."""

    vote: Vote
    first_vote: Vote
    blind: bool
    basis: str


@dataclass(frozen=True, slots=True)
class NeedsFinalSay:
    """A reviewer asked for a lead, or there is no majority."""


@dataclass(frozen=True, slots=True)
class MustWait:
    """Nothing to do until this time; None means until the next verdict."""

    until: datetime | None


type SettlementResult = Settlement | NeedsFinalSay | MustWait


def decide_settlement(
    judgements: Sequence[CountedVerdict], *, wanted: int, now: datetime, meaning: Meaning = schema.canonical_key
) -> SettlementResult:
    """Decide what follows from an item's counting verdicts of the current round.

    A final say settles the item. Otherwise a lead is needed if any verdict escalates, or if all wanted verdicts are
    in and no opinion has more than half of them. `none` and `unjudgeable` are opinions like any answer. meaning: the
    same for answers that mean the same.
    """
    pending = [one.final_at for one in judgements if one.final_at > now]
    if pending:
        return MustWait(until=max(pending))
    votes = [vote for one in judgements if not one.final_say and (vote := one.vote) is not None]
    final = next((vote for one in judgements if one.final_say and (vote := one.vote) is not None), None)
    if final is not None:
        return _build_settlement(judgements, final, FINAL_SAY, meaning)
    if any(one.kind == "escalate" for one in judgements):
        return NeedsFinalSay()
    if len(votes) < wanted:
        return MustWait(until=None)
    winner = find_majority(votes, meaning=meaning)
    return (
        NeedsFinalSay()
        if winner is None
        else _build_settlement(judgements, winner, SINGLE if wanted == 1 else MAJORITY, meaning)
    )


def opinions_differ(votes: Iterable[Vote | None]) -> bool:
    """Whether the people who gave an opinion disagree; None, who asked a lead, gave none."""
    return len({vote.canonical_key for vote in votes if vote is not None}) > 1


def find_majority(votes: Sequence[Vote], *, meaning: Meaning = schema.canonical_key) -> Vote | None:
    """The opinion that more than half share; None if there is none.

    Votes that mean the same may be written differently. The most frequent spelling wins, then one that a person wrote
    rather than agreed to, then the first.
    """
    keys = [(vote.outcome, meaning(vote.answer)) for vote in votes]
    tally = Counter(keys)
    winners = [vote for vote, key in zip(votes, keys, strict=True) if 2 * tally[key] > len(votes)]
    spellings = Counter(schema.exact_key(vote.answer) for vote in winners)
    return max(winners, key=lambda vote: (spellings[schema.exact_key(vote.answer)], vote.typed), default=None)


def _build_settlement(judgements: Sequence[CountedVerdict], vote: Vote, basis: str, meaning: Meaning) -> Settlement:
    given = [one for one in judgements if not one.final_say and one.first_vote is not None]
    first = find_majority([one.first_vote for one in given if one.first_vote is not None], meaning=meaning)
    # Without a majority of first opinions, errors are counted from the decision, which was made with the proposal
    # visible.
    blind = first is not None and not any(one.proposal_visible for one in given)
    return Settlement(vote=vote, first_vote=first or vote, blind=blind, basis=basis)
