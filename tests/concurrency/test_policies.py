"""Two people changing one policy at the same time."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction

from escalation.models import Activation, DailyRate, Policy, Stream
from escalation.policies import fit, versions
from escalation.routing import dispatch
from escalation.streams import definition
from escalation.streams.definition import StreamDefinition
from reviewqueue.models import User
from tests.helpers import stream_setup
from tests.helpers.races import filter_results, race

pytestmark = pytest.mark.django_db(transaction=True)


def _spec(**policy: Any) -> Any:
    return versions.validate_spec({"undo_seconds": 0, **policy})


def test_nobody_alone_reverts_a_tightening_that_committed_while_they_waited(stream: Stream) -> None:
    """0.9 is stricter than 0.8, which was in effect when its transaction began, but looser than 0.95 by its turn."""
    tightened, begun = Event(), Event()

    def tighten() -> None:
        with transaction.atomic():
            assert begun.wait(30)
            versions.propose_version(stream=stream, spec=_spec(threshold=0.95), actor="user:mara")
            tightened.set()
            while not _somebody_waits():
                pass

    def propose() -> versions.ProposedVersion:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT now()")  # the transaction begins here
            begun.set()
            assert tightened.wait(30)
            return versions.propose_version(stream=stream, spec=_spec(threshold=0.9), actor="user:max")

    results = race(tighten, propose)
    assert filter_results(Exception, results) == []
    assert not results[1].active
    current = versions.find_active_policy(stream)
    assert current
    assert current.spec.threshold == 0.95


def test_nobody_approves_a_version_for_answers_that_changed_while_they_waited(
    stream: Stream,
    mara: User,
    max: User,  # noqa: A002
) -> None:
    draft = versions.propose_version(stream=stream, spec=_spec(threshold=0.7), actor="user:mara").policy
    changed, begun = Event(), Event()

    def change() -> None:
        wanted = StreamDefinition(slug=stream.slug, title=stream.title, answers=[*stream_setup.ANSWERS, "fraud"])
        with transaction.atomic():
            assert begun.wait(30)
            definition.apply_definition(wanted, actor="user:mara")
            changed.set()
            while not _somebody_waits():
                pass

    def approve() -> None:
        with transaction.atomic():
            begun.set()
            assert changed.wait(30)
            versions.approve_version(policy=draft, by="user:max")

    results = race(change, approve)
    assert len(filter_results(fit.OutdatedVersion, results)) == 1
    current = versions.find_active_policy(stream)
    assert current
    assert (current.spec.threshold, current.schema_number) == (0.8, 2)


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool((cursor.fetchone() or (0,))[0])


def test_saving_the_same_policy_concurrently_creates_one_version(stream: Stream) -> None:
    saved = race(*[partial(versions.save_version, stream=stream, spec=_spec(threshold=0.9), actor="user:mara")] * 6)
    assert filter_results(Exception, saved) == []
    assert len({version.pk for version in saved}) == 1
    others = race(
        *[
            partial(versions.save_version, stream=stream, spec=_spec(threshold=place / 10), actor="x")
            for place in range(6)
        ]
    )
    assert sorted(version.number for version in others) == [3, 4, 5, 6, 7, 8]
    assert Policy.objects.count() == 8


def test_activating_the_same_policy_concurrently_activates_it_once(stream: Stream) -> None:
    version = versions.save_version(stream=stream, spec=_spec(threshold=0.9), actor="user:mara")
    results = race(*[partial(versions.activate_version, policy=version, by="user:mara")] * 4)
    assert len(filter_results(versions.AlreadyActive, results)) == 3
    assert Activation.objects.count() == 2


def test_the_first_workers_of_a_day_agree_on_the_audit_rate(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    stream_setup.activate_policy(stream, threshold=0.8, audit={"per_day": 3})
    monkeypatch.setattr(dispatch, "BATCH_ROWS", 10)
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    stream_setup.post_outputs(stream, *stream_setup.build_outputs(80, confidence=0.9), now=now)
    assert filter_results(Exception, race(*[partial(dispatch.route_received, now=now)] * 4)) == []
    assert DailyRate.objects.count() == 1
