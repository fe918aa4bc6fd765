"""When an item is settled, and by what. Pure: verdicts in, an outcome out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's opinion: an outcome and, when that is `answered`, the answer."""

    outcome: str
    answer: Any = None

    @property
    def canonical_key(self) -> tuple[str, str]:
        return self.outcome, schema.canonical_key(self.answer)


@dataclass(frozen=True, slots=True)
class CountedVerdict:
    """A counting verdict. `first_kind` is what was said before the proposal was shown, None if it was visible."""

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
        """The opinion that counts for the decision; escalating is none."""
        outcome = OUTCOMES_BY_KIND.get(self.kind)
        return None if outcome is None else Vote(outcome, self.answer)

    @property
    def first_vote(self) -> Vote | None:
        """The opinion that counts for errors and agreement."""
        outcome = OUTCOMES_BY_KIND.get(self.first_kind or self.kind)
        return None if outcome is None else Vote(outcome, self.first_answer if outcome == ANSWERED else None)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The item is decided. `blind`: the first opinion was formed without the proposal, by all who gave one."""

    vote: Vote
    first_vote: Vote
    blind: bool
    basis: str


@dataclass(frozen=True, slots=True)
class NeedsFinalSay:
    """Somebody asked for a lead, or there is no majority."""


@dataclass(frozen=True, slots=True)
class MustWait:
    """Nothing to do until then; None: until the next verdict."""

    until: datetime | None


type SettlementResult = Settlement | NeedsFinalSay | MustWait


def decide_settlement(judgements: Sequence[CountedVerdict], *, wanted: int, now: datetime) -> SettlementResult:
    """What an item's counting verdicts of the present round come to.

    The final say settles. Otherwise one that escalates asks for it, and so do all the wanted ones together when no
    opinion has more than half of them; `none` and `unjudgeable` are opinions like any answer.
    """
    pending = [one.final_at for one in judgements if one.final_at > now]
    if pending:
        return MustWait(until=max(pending))
    votes = [vote for one in judgements if not one.final_say and (vote := one.vote) is not None]
    final = next((vote for one in judgements if one.final_say and (vote := one.vote) is not None), None)
    if final is not None:
        return _build_settlement(judgements, final, FINAL_SAY)
    if any(one.kind == "escalate" for one in judgements):
        return NeedsFinalSay()
    if len(votes) < wanted:
        return MustWait(until=None)
    winner = find_majority(votes)
    return (
        NeedsFinalSay()
        if winner is None
        else _build_settlement(judgements, winner, SINGLE if wanted == 1 else MAJORITY)
    )


def find_majority(votes: Sequence[Vote]) -> Vote | None:
    """The opinion that more than half share, as whoever said it first put it; None without one."""
    tally = Counter(vote.canonical_key for vote in votes)
    return next((vote for vote in votes if 2 * tally[vote.canonical_key] > len(votes)), None)


def _build_settlement(judgements: Sequence[CountedVerdict], vote: Vote, basis: str) -> Settlement:
    given = [one for one in judgements if not one.final_say and one.first_vote is not None]
    first = find_majority([one.first_vote for one in given if one.first_vote is not None])
    # Without a majority of first opinions the error is judged by the decision, and that was made seeing the proposal.
    blind = first is not None and not any(one.proposal_visible for one in given)
    return Settlement(vote=vote, first_vote=first or vote, blind=blind, basis=basis)
