"""The guarantee page in every state: from the first output to a lost guarantee, and a document with 20 fields."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import msgspec
from django.utils import timezone

from escalation.guarantees import evaluations, guarantees, targets
from escalation.models import Evaluation, Evidence, GuaranteeEnding, GuaranteeWatch, Stream, TestItem, output_id
from escalation.policies import versions
from escalation.simulation import daily_counts
from reviewqueue.models import Membership, Queue, User
from tests.helpers import scene_data, stream_history, stream_setup, traffic

FIELDS = (
    "supplier", "supplier_vat", "buyer", "buyer_vat", "number", "issued", "due", "currency", "net", "tax", "total",
    "discount", "iban", "bic", "order_number", "delivery_date", "delivery_note", "payment_terms", "cost_centre",
    "project_number_of_the_customer",
)  # fmt: skip
# What the audits of a field found at its threshold: threshold, share automated, audits, errors, and since then.
FIELD_RESULTS = {
    "total": (0.97, 0.71, 812, 3, 240, 1),
    "net": (0.96, 0.74, 840, 4, 251, 6),
    "iban": (0.99, 0.52, 611, 1, 12, 0),
}
USUAL_RESULT = (0.9, 0.86, 980, 2, 280, 1)
UNGUARANTEED = {
    "delivery_note": ("too_few", {"have": 41, "least": 199, "more": 158, "days": 12}),
    "payment_terms": ("too_many_errors", {"answered": 1_040, "more": None, "days": None}),
}


def create_unevaluated_traffic() -> Stream:
    """Outputs and audits, but no error target."""
    stream = scene_data.create_stream_without_target()
    _write_traffic(stream, 800)
    return stream


def create_fifty_audits() -> Stream:
    """About 50 audits, which are too few."""
    stream = scene_data.create_stream_without_target()
    _set_target(stream)
    _write_traffic(stream, 100)
    return stream


def create_missing_test_items() -> Stream:
    """Enough audits, and 12 of 20 test items; five wait for reviewers."""
    stream = scene_data.create_stream_without_target()
    _set_target(stream)
    _write_traffic(stream, 700)
    _add_test_items(stream, caught=11, missed=1, waiting=5)
    return stream


def create_guarantee() -> Stream:
    """A guarantee in force, with audits since, from reviewers who were measured."""
    stream = scene_data.create_stream_without_target()
    _set_target(stream)
    _add_test_items(stream, caught=118, missed=2)
    _write_traffic(stream, 2400)
    evaluation = _activate(evaluations.run_evaluation(stream, by="system:guarantees"))
    GuaranteeWatch.objects.create(evaluation=evaluation, seen=evaluation.last_id, audits=214, wrong=4)
    return stream


def create_looser_offer() -> Stream:
    """A guarantee in force, and a looser threshold that its audits have earned."""
    stream = create_guarantee()
    evaluation = Evaluation.objects.get()
    evaluation.pk, evaluation.number = None, 2
    looser = {"threshold": 0.84, "coverage": 0.541, "accepted": 640}
    evaluation.groups = [{**evaluation.groups[0], **looser}]
    evaluation.save()
    return stream


def create_expired_guarantee() -> None:
    """A guarantee that has expired."""
    stream = create_guarantee()
    at = timezone.now()
    GuaranteeEnding.objects.create(evaluation=Evaluation.objects.get(), reason="expired", ended_at=at)
    current = versions.find_active_policy(stream)
    assert current
    spec = msgspec.structs.replace(current.spec, threshold=None)
    strict = versions.save_version(stream=stream, spec=spec, actor=guarantees.SYSTEM_ACTOR)
    versions.activate_version(policy=strict, by=guarantees.SYSTEM_ACTOR)


def create_second_version() -> None:
    """A guarantee in force, and one output of a mistyped model version."""
    stream = create_guarantee()
    since = timezone.now() - timedelta(hours=1)
    stream_history.write_history(
        stream, [0.9] * 3, [False] * 3, since=since, span=timedelta(minutes=1), prefix="typo", model_version="1.O"
    )


def create_fields() -> None:
    """A guarantee for each of 20 fields: some without one, one that makes more errors than before."""
    scene_data.record_heartbeats()
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in FIELDS}}
    certified = {f"/{name}": FIELD_RESULTS.get(name, USUAL_RESULT)[0] for name in FIELDS if name not in UNGUARANTEED}
    stream = traffic.apply_stream(
        answers=None, schema=schema, policy={"thresholds": certified, "audit": {"rate": 0.1, "mode": "after"}}
    )
    _add_manager()
    target = targets.set_error_target(
        stream=stream, max_error=0.01, groups="fields", actor="user:mara", now=timezone.now() - timedelta(days=30)
    )
    at = timezone.now() - timedelta(days=6)
    evaluation = Evaluation.objects.create(
        stream=stream, target=target, model="reader", model_version="3", schema_number=stream.schema_number,
        number=1, spent=0.04, first_id=output_id.first_id_at(at - timedelta(days=20)),
        last_id=output_id.first_id_at(at), audit_rate=0.1, max_error=0.009, sampled=1_040, resolved=1_032, overdue=8,
        reviewer_recall={"shown": 120, "caught": 118, "low": 0.93}, groups=[_build_group(name) for name in FIELDS],
        asked_by="system:guarantees", asked_at=at, expires_at=at + timedelta(days=90),
    )  # fmt: skip
    policy = versions.find_active_policy(stream)
    assert policy
    Evidence.objects.create(policy_id=policy.policy_id, evaluation=evaluation)
    for name in FIELDS:
        if name not in UNGUARANTEED:
            audits, wrong = FIELD_RESULTS.get(name, USUAL_RESULT)[4:]
            GuaranteeWatch.objects.create(
                evaluation=evaluation, group=f"/{name}", seen=evaluation.last_id, audits=audits, wrong=wrong
            )
    _write_documents(stream)
    _add_test_items(stream, caught=118, missed=2)


def _write_documents(stream: Stream) -> None:
    """Some documents of the last days."""
    rng = random.Random(1)
    scores = [{f"/{name}": 1 - rng.random() ** 3 for name in FIELDS} for _ in range(400)]
    since = timezone.now() - timedelta(days=5)
    stream_history.write_history(
        stream, [min(row.values()) for row in scores], [False] * 400, since=since, span=timedelta(days=4),
        predicted="", model="reader", model_version="3", parts=[{"fields": row} for row in scores],
        part_errors=[dict.fromkeys(row, False) for row in scores],
    )  # fmt: skip
    daily_counts.refresh_counts()


def _build_group(name: str) -> dict[str, Any]:
    common = {"group": f"/{name}", "delta": 0.002, "starts": [(0.99, 0.001)]}
    if name in UNGUARANTEED:
        reason, params = UNGUARANTEED[name]
        return {**common, "refusal": reason, "params": params}
    threshold, coverage, audits, wrong, *_since = FIELD_RESULTS.get(name, USUAL_RESULT)
    found = {"threshold": threshold, "coverage": coverage, "accepted": audits, "wrong": wrong, "bound": 0.009}
    return {**common, **found, "way": "anytime"}


def _set_target(stream: Stream) -> None:
    said_at = timezone.now() - timedelta(days=10)
    targets.set_error_target(stream=stream, max_error=0.05, declared_audits=450, actor="user:mara", now=said_at)


def _write_traffic(stream: Stream, count: int) -> None:
    rng = random.Random(1)
    scores = [1 - rng.random() ** 3 for _ in range(count)]
    wrong = [rng.random() > score for score in scores]
    since = timezone.now() - timedelta(days=9)
    stream_history.write_history(stream, scores, wrong, since=since, span=timedelta(days=8))
    daily_counts.refresh_counts()


def _add_test_items(stream: Stream, *, caught: int, missed: int = 0, waiting: int = 0) -> None:
    at = timezone.now() - timedelta(days=5)
    answers = [True] * caught + [False] * missed + [None] * waiting
    TestItem.objects.bulk_create(
        TestItem(
            id=output_id.first_id_at(at) + index, stream=stream, answer="billing", prediction="refund",
            schema_number=stream.schema_number, added_by="system:test items", added_at=at, caught=answer,
            settled_at=None if answer is None else at,
        )
        for index, answer in enumerate(answers)
    )  # fmt: skip


def _activate(evaluation: Evaluation) -> Evaluation:
    made = guarantees.propose_certified_policy(evaluation=evaluation, actor="user:mara")
    if not made.active:
        stream_setup.ensure_managers()
        versions.approve_version(policy=made.policy, by="user:max")
    return evaluation


def _add_manager() -> None:
    mara = User.objects.create(username="mara", role="manager", password="!")
    Membership.objects.create(user=mara, queue=Queue.objects.get(slug="intents"))
