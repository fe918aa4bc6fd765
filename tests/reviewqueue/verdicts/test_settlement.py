"""When verdicts settle an item, as properties of lists of verdicts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.verdicts import settlement
from reviewqueue.verdicts.settlement import CountedVerdict, MustWait, NeedsFinalSay, Settlement, Vote

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

votes = st.lists(
    st.one_of(
        st.builds(Vote, st.just("answered"), st.sampled_from(["a", "b", "c"])),
        st.sampled_from([Vote("rejected"), Vote("unjudgeable")]),
    ),
    max_size=9,
)


def judgement(kind: str = "agree", answer: object = "a", **fields: object) -> CountedVerdict:
    plain = CountedVerdict(
        id=1,
        kind=kind,
        answer=answer if kind in {"agree", "correct"} else None,
        first_kind=None,
        first_answer=answer if kind in {"agree", "correct"} else None,
        proposal_visible=True,
        final_say=False,
        final_at=NOW,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


@given(votes)
def test_a_majority_needs_more_than_half(given_votes: list[Vote]) -> None:
    tally = Counter(vote.canonical_key for vote in given_votes)
    winner = settlement.find_majority(given_votes)
    if winner is None:
        assert all(2 * count <= len(given_votes) for count in tally.values())
    else:
        assert 2 * tally[winner.canonical_key] > len(given_votes)


@given(votes, st.randoms(use_true_random=False))
def test_the_order_of_votes_does_not_matter(given_votes: list[Vote], rng: object) -> None:
    shuffled = list(given_votes)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert settlement.find_majority(shuffled) == settlement.find_majority(given_votes)


@given(votes)
def test_another_vote_for_the_winner_never_changes_it(given_votes: list[Vote]) -> None:
    winner = settlement.find_majority(given_votes)
    if winner is not None:
        assert settlement.find_majority([*given_votes, winner]) == winner


@given(
    st.lists(
        st.builds(
            judgement,
            st.sampled_from(["agree", "none", "unjudgeable", "escalate"]),
            st.sampled_from(["a", "b"]),
            final_at=st.sampled_from([NOW, NOW + timedelta(seconds=5)]),
        ),
        max_size=5,
    ),
    st.integers(1, 5),
)
def test_pending_missing_or_escalated_verdicts_prevent_settlement(
    judgements: list[CountedVerdict], wanted: int
) -> None:
    outcome = settlement.decide_settlement(judgements, wanted=wanted, now=NOW)
    if any(one.final_at > NOW for one in judgements):
        assert outcome == MustWait(until=NOW + timedelta(seconds=5))
    elif any(one.kind == "escalate" for one in judgements):
        assert outcome == NeedsFinalSay()
    elif len(judgements) < wanted:
        assert outcome == MustWait(until=None)
    else:
        assert isinstance(outcome, Settlement | NeedsFinalSay)


def test_the_final_say_settles_regardless_of_other_verdicts() -> None:
    said = [judgement("escalate"), judgement("none", final_say=True)]
    outcome = settlement.decide_settlement(said, wanted=2, now=NOW)
    assert outcome == Settlement(vote=Vote("rejected"), first_vote=Vote("rejected"), blind=False, basis="final_say")


def test_a_blind_first_answer_survives_the_final_say() -> None:
    asked = judgement("escalate", first_kind="answer", first_answer="b", proposal_visible=False)
    outcome = settlement.decide_settlement([asked, judgement(final_say=True)], wanted=1, now=NOW)
    assert outcome == Settlement(
        vote=Vote("answered", "a"), first_vote=Vote("answered", "b"), blind=True, basis="final_say"
    )


def test_without_a_first_majority_the_decision_counts_and_is_not_blind() -> None:
    said = [
        judgement(first_kind="answer", first_answer="a", proposal_visible=False),
        judgement(first_kind="none", first_answer=None, proposal_visible=False),
    ]
    outcome = settlement.decide_settlement(said, wanted=2, now=NOW)
    assert outcome == Settlement(
        vote=Vote("answered", "a"), first_vote=Vote("answered", "a"), blind=False, basis="majority"
    )


def test_different_spellings_of_an_answer_are_one_opinion() -> None:
    said = [judgement(answer={"total": 1.0, "city": "Zürich"}), judgement(answer={"city": "Zu\u0308rich ", "total": 1})]
    outcome = settlement.decide_settlement(said, wanted=2, now=NOW)
    assert isinstance(outcome, Settlement)
    assert outcome.vote.answer == {"total": 1.0, "city": "Zürich"}


def test_a_correction_in_spelling_only_is_not_lost_among_those_who_agreed() -> None:
    agreed = Vote("answered", {"supplier": "ACME "})
    typed = Vote("answered", {"supplier": "ACME"}, typed=True)
    for votes_given in ([agreed, typed], [typed, agreed]):
        winner = settlement.find_majority(votes_given)
        assert winner is not None
        assert winner.answer == typed.answer
    winner = settlement.find_majority([agreed, typed, agreed])
    assert winner is not None
    assert winner.answer == agreed.answer
