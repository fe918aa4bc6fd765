"""What more automation takes, as an estimate."""

from __future__ import annotations

from datetime import timedelta

import pytest

from escalation.guarantees import evaluations, group_results, progress
from escalation.guarantees.group_results import GroupResult
from escalation.models import Stream
from tests.helpers import measured_recall, stream_history, traffic
from tests.helpers.traffic import NOON


@pytest.fixture
def stream(queue: object) -> Stream:
    found = traffic.apply_stream(policy={"threshold": 0.99, "audit": {"rate": 1.0, "mode": "after"}})
    measured_recall.set_error_target(stream=found, max_error=0.05, declared_audits=90_000, actor="user:mara", now=NOON)
    return found


def test_the_estimate_is_about_what_the_next_threshold_really_takes(stream: Stream) -> None:
    _audit(stream, 200, day=0)
    assert not _evaluate(stream, day=1).threshold
    outlook = progress.measure_progress(stream, now=NOON + timedelta(days=1)).outlook
    assert outlook
    _audit(stream, outlook.more // 4, day=2)
    assert not _evaluate(stream, day=3).threshold
    _audit(stream, outlook.more, day=4)
    assert _evaluate(stream, day=5).threshold


def test_there_is_no_outlook_where_the_model_is_wrong_too_often(stream: Stream) -> None:
    _audit(stream, 400, day=0, wrong_every=5)
    found = progress.measure_progress(stream, now=NOON + timedelta(days=1))
    assert (found.refusal, found.outlook) == ("", None)


def _audit(stream: Stream, count: int, *, day: int, wrong_every: int = 50) -> None:
    """Audits of one confidence, of which every so many find an error."""
    wrong = [index % wrong_every == 1 for index in range(count)]
    since = NOON + timedelta(days=day, hours=1)
    stream_history.write_history(
        stream, [0.97] * count, wrong, since=since, span=timedelta(hours=5), prefix=f"day-{day}"
    )


def _evaluate(stream: Stream, *, day: int) -> GroupResult:
    evaluation = evaluations.run_evaluation(stream, by="user:mara", now=NOON + timedelta(days=day))
    (found,) = group_results.parse_group_results(evaluation)
    return found
