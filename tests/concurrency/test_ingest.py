"""The same outputs posted concurrently over many connections."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from escalation.ingest import receive
from escalation.ingest.receive import IngestResult
from escalation.models import ExternalId, Output, Stream
from escalation.monitoring import invariants
from tests.helpers import stream_setup
from tests.helpers.races import race

pytestmark = pytest.mark.django_db(transaction=True)


def _kinds(answers: list[list[IngestResult]]) -> Counter[str]:
    return Counter(
        one.problem.code if one.problem else "created" if one.created else "known" for found in answers for one in found
    )


def test_twenty_identical_concurrent_posts_create_one_output(stream: Stream) -> None:
    answers = race(*[partial(stream_setup.post_outputs, stream, stream_setup.build_output())] * 20)
    assert _kinds(answers) == {"created": 1, "known": 19}
    assert len({one.output_id for found in answers for one in found}) == 1
    assert Output.objects.count() == ExternalId.objects.count() == 1
    assert invariants.find_violations() == []


def test_of_conflicting_concurrent_posts_one_wins_and_the_others_get_a_conflict(stream: Stream) -> None:
    answers = race(
        *[
            partial(stream_setup.post_outputs, stream, stream_setup.build_output(confidence=place / 10))
            for place in range(10)
        ]
    )
    assert _kinds(answers) == {"created": 1, "output_conflict": 9}
    (winner,) = [place for place, found in enumerate(answers) if found[0].created]
    assert Output.objects.get().confidence == winner / 10


@pytest.mark.parametrize("count", [receive.COPY_MIN_ROWS - 1, 200])
def test_overlapping_batches_in_opposite_order_do_not_deadlock(stream: Stream, count: int) -> None:
    forward = stream_setup.build_outputs(count)
    turns = [forward, forward[::-1], forward[count // 2 :] + forward[: count // 2], forward[::2] + forward[1::2]]
    for _ in range(3):
        answers = race(*[partial(stream_setup.post_outputs, stream, *turn) for turn in turns * 2])
        assert all(isinstance(found, list) for found in answers), answers
    assert Output.objects.count() == count
    assert invariants.find_violations() == []
