"""What a change of the policy would cost in evidence is said before it is made, and is what is then lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
from django.test import Client
from django.utils import timezone

from escalation.guarantees import lost_evidence, population, preparation, targets
from escalation.guarantees.lost_evidence import EvidenceLoss
from escalation.models import Route, Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from reviewqueue.models import User
from tests.helpers import measured_recall, stream_history, traffic
from tests.helpers.form_posts import post_untouched

RULE = {"name": "large", "when": {"value": {"gt": 100.0}}}
POLICY: dict[str, Any] = {"threshold": 0.9, "audit": {"rate": 0.5, "mode": "after"}, "rules": [RULE]}
OTHER_RULE = {"name": "large", "when": {"value": {"gt": 200.0}}}


@pytest.fixture
def began() -> datetime:
    return timezone.now() - timedelta(days=10)


@pytest.fixture
def stream(queue: object, began: datetime) -> Stream:
    stream = traffic.apply_stream(policy=POLICY)
    measured_recall.set_error_target(
        stream=stream, max_error=0.05, declared_audits=450, actor="user:mara", now=began - timedelta(hours=1)
    )
    stream_history.write_history(stream, [0.95] * 800, [False] * 800, since=began, span=timedelta(days=5))
    return stream


def _change(**change: Any) -> PolicySpec:
    return versions.validate_spec({"undo_seconds": 0, **POLICY, **change})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rules": [OTHER_RULE]}, "rules"),
        ({"rules": []}, "rules"),
        ({"audit": {"rate": 0.0, "mode": "after"}}, "no_audits"),
        ({"audit": {"rate": 0.1, "mode": "after"}}, ""),
    ],
)
def test_what_is_said_to_be_lost_is_lost_by_the_next_output(
    stream: Stream, began: datetime, change: dict[str, Any], reason: Literal["", "rules", "no_audits"]
) -> None:
    spec, later = _change(**change), began + timedelta(days=6)
    loss = lost_evidence.measure_evidence_loss(stream, spec)
    counted = Route.objects.filter(u__lt=0.5).count()
    assert loss == EvidenceLoss(counted, reason)
    assert loss.lost == (counted if reason else 0)
    version = versions.save_version(stream=stream, spec=spec, actor="user:mara")
    versions.activate_version(policy=version, by="user:mara", approved_by="user:max", now=later)
    stream_history.write_history(stream, [0.95] * 20, [False] * 20, since=later, span=timedelta(days=1), prefix="new")
    assert _count_audits_of_before(stream, spec) == counted - loss.lost


def _count_audits_of_before(stream: Stream, spec: PolicySpec) -> int:
    target, now = targets.find_error_target(stream), timezone.now()
    assert target
    covered = population.current_population(stream)
    assert covered
    try:
        _, sample = preparation.find_evidence(stream, target, covered, spec, first=450, keep=False, now=now)
    except preparation.EvaluationRefused:
        return 0
    new = Route.objects.filter(output__external_id__startswith="new", output__pk__lt=sample.window.last)
    return sample.sampled - sum(route.u < route.p for route in new)


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 0.8},
        {"rules": [{**RULE, "name": "renamed"}]},
        {"audit": {"rate": 0.6, "mode": "after"}},
        {"audit": {"rate": 0.5, "mode": "hold"}},
    ],
)
def test_nothing_is_said_of_changes_that_do_not_concern_the_evidence(stream: Stream, change: dict[str, Any]) -> None:
    assert lost_evidence.measure_evidence_loss(stream, _change(**change)) is None


def test_the_editor_and_the_approval_say_how_many_audits_would_be_lost(
    client: Client, stream: Stream, mara: User
) -> None:
    counted = Route.objects.filter(u__lt=0.5).count()
    client.force_login(mara)
    untouched = post_untouched(client.get("/streams/intents/policies/new/").context["form"])

    def preview(**change: str) -> str:
        return client.post("/streams/intents/policies/preview/", untouched | change).content.decode()

    lost = f"{counted} audits of evidence would be lost."
    assert lost in preview(**{"rules-0-conditions-0-operand": "200"})
    assert f"No evidence is lost: {counted} audits go on counting." in preview(rate="10")
    assert "evidence" not in preview(threshold="95")
    versions.save_version(stream=stream, spec=_change(rules=[]), actor="user:max")
    assert lost in client.get("/streams/intents/policies/2/").content.decode()
    assert lost not in client.get("/streams/intents/policies/1/").content.decode()
