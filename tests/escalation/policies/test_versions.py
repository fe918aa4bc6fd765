"""Policy versions: numbered, immutable, and loosened only by two people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from escalation.models import Activation, Policy, Stream
from escalation.policies import versions
from reviewqueue.accounts.second_person import SamePerson, SecondPersonNeeded
from reviewqueue.models import Event, User
from tests.helpers import stream_setup


def _spec(**policy: Any) -> Any:
    return versions.validate_spec({"undo_seconds": 0, **policy})


def test_equal_content_is_the_same_version(stream: Stream) -> None:
    first = versions.save_version(stream=stream, spec=_spec(threshold=0.9), actor="user:mara")
    again = versions.save_version(stream=stream, spec=_spec(threshold=0.9, reviews=1), actor="user:max")
    other = versions.save_version(stream=stream, spec=_spec(threshold=0.91), actor="user:max")
    assert (first, first.number, other.number) == (again, 2, 3)
    assert Event.objects.filter(verb="policy.created").count() == 3
    assert versions.spec_of(first) == _spec(threshold=0.9)


def test_versions_are_numbered_within_their_stream(stream: Stream) -> None:
    assert Policy.objects.get(stream=stream_setup.create_stream("invoices")).number == 1


def test_changed_answers_make_a_new_version(stream: Stream) -> None:
    stream_setup.create_stream(answers=["billing", "refund"])
    numbers = list(Policy.objects.order_by("number").values_list("number", "schema_number"))
    assert numbers == [(1, 1), (2, 2)]


@pytest.mark.parametrize("table", ["policy", "activation", "route"])
def test_versions_activations_and_routes_are_append_only(stream: Stream, table: str) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    column = "number" if table == "policy" else "policy_id"
    for statement in (f"DELETE FROM escalation_{table}", f"UPDATE escalation_{table} SET {column} = {column}"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            stream_setup.run_sql(statement)


def test_a_tightening_version_takes_effect_at_once(stream: Stream) -> None:
    proposed = versions.propose_version(stream=stream, spec=_spec(threshold=0.9), actor="user:mara")
    assert proposed.active
    assert "in effect" in proposed.sentence
    current = versions.find_active_policy(stream)
    assert current
    assert (current.number, current.spec.threshold) == (2, 0.9)


def test_a_loosening_version_is_a_draft_until_approved(stream: Stream) -> None:
    proposed = versions.propose_version(stream=stream, spec=_spec(threshold=0.7), actor="user:mara")
    assert not proposed.active
    assert "second person" in proposed.sentence
    with pytest.raises(versions.ApprovalNeeded):
        versions.activate_version(policy=proposed.policy, by="user:mara")
    with pytest.raises(SamePerson):
        versions.activate_version(policy=proposed.policy, by="user:mara", approved_by="user:mara")
    assert Activation.objects.count() == 1
    versions.activate_version(policy=proposed.policy, by="user:mara", approved_by="user:max", reason="evidence")
    event = Event.objects.filter(verb="policy.activated").latest("id")
    assert (event.actor, event.before) == ("user:max", {"number": 1})
    assert event.after == {"number": 2, "activated_by": "user:mara", "approved_by": "user:max", "reason": "evidence"}


def test_requester_and_approver_must_differ(stream: Stream, mara: User, max: User) -> None:  # noqa: A002
    draft = versions.propose_version(
        stream=stream, spec=_spec(threshold=0.7), actor="user:mara", reason="evidence"
    ).policy
    event = Event.objects.get(verb="policy.proposed")
    assert (event.actor, event.after) == ("user:mara", {"number": 2, "reason": "evidence"})
    with pytest.raises(SamePerson):
        versions.approve_version(policy=draft, by="user:mara")
    versions.request_approval(policy=draft, by="user:max")
    activation = versions.approve_version(policy=draft, by="user:max")
    assert (activation.activated_by, activation.approved_by, activation.reason) == ("user:mara", "user:max", "evidence")


def test_a_request_expires_with_the_next_activation(
    stream: Stream,
    mara: User,
    max: User,  # noqa: A002
) -> None:
    draft = versions.propose_version(stream=stream, spec=_spec(threshold=0.7), actor="user:mara").policy
    versions.propose_version(stream=stream, spec=_spec(threshold=0.9), actor="user:max")
    with pytest.raises(versions.ApprovalNeeded, match="no open approval request"):
        versions.approve_version(policy=draft, by="user:max")
    versions.request_approval(policy=draft, by="user:mara")
    assert versions.approve_version(policy=draft, by="user:max").activated_by == "user:mara"


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "lead"}])
def test_a_request_by_a_former_manager_is_invalid(stream: Stream, mara: User, change: dict[str, Any]) -> None:
    draft = versions.propose_version(stream=stream, spec=_spec(threshold=0.7), actor="user:mara").policy
    assert versions.find_approval_request(draft)
    User.objects.filter(pk=mara.pk).update(**change)
    assert versions.find_approval_request(draft) is None


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "lead"}, {"memberships": None}])
def test_an_approver_has_to_manage_the_stream_at_that_moment(
    stream: Stream,
    mara: User,
    max: User,  # noqa: A002
    change: dict[str, Any],
) -> None:
    draft = versions.propose_version(stream=stream, spec=_spec(threshold=0.7), actor="user:mara").policy
    if "memberships" in change:
        max.memberships.all().delete()
    else:
        User.objects.filter(pk=max.pk).update(**change)
    with pytest.raises(SecondPersonNeeded):
        versions.approve_version(policy=draft, by="user:max")
    assert Activation.objects.count() == 1


def test_a_request_by_an_api_key_is_invalid(stream: Stream) -> None:
    draft = versions.propose_version(stream=stream, spec=_spec(threshold=0.7), actor="system:cli").policy
    assert versions.find_approval_request(draft) is None


def test_approval_requests_are_append_only(stream: Stream) -> None:
    versions.propose_version(stream=stream, spec=_spec(threshold=0.7), actor="user:mara")
    for statement in ("DELETE FROM escalation_approvalrequest", "UPDATE escalation_approvalrequest SET asked_by = 'x'"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            stream_setup.run_sql(statement)


def test_reverting_to_a_looser_version_takes_two_people(stream: Stream) -> None:
    versions.propose_version(stream=stream, spec=_spec(threshold=0.9), actor="user:mara")
    back = versions.propose_version(stream=stream, spec=_spec(threshold=0.8), actor="user:mara")
    assert (back.policy.number, back.active) == (1, False)
    versions.activate_version(policy=back.policy, by="user:mara", approved_by="user:max")
    current = versions.find_active_policy(stream)
    assert current
    assert current.number == 1


def test_proposing_the_active_version_says_so(stream: Stream) -> None:
    again = versions.propose_version(stream=stream, spec=_spec(threshold=0.8), actor="user:mara")
    assert again.active
    assert "already" in again.sentence
    with pytest.raises(versions.AlreadyActive):
        versions.activate_version(policy=again.policy, by="user:mara", approved_by="user:max")
    assert Activation.objects.count() == 1


def test_the_first_policy_needs_no_approval_before_traffic(queue: object) -> None:
    bare = stream_setup.create_stream(policy=None)
    assert versions.find_active_policy(bare) is None
    stream_setup.post_outputs(bare, stream_setup.build_output())
    proposed = versions.propose_version(stream=bare, spec=_spec(threshold=0.8), actor="user:mara")
    assert not proposed.active


def test_the_latest_started_activation_is_in_effect(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.9, hours=2)
    stream_setup.activate_policy(stream, threshold=0.7, hours=1)
    current = versions.find_active_policy(stream)
    assert current
    assert current.spec.threshold == 0.9
    assert versions.find_policies_at_transaction_start([stream.pk, -1]) == {stream.pk: current}
    assert versions.find_policies_at_transaction_start([]) == {}


def test_of_simultaneous_activations_the_later_row_wins(stream: Stream) -> None:
    stream_setup.activate_policy(stream, threshold=0.9, hours=3)
    stream_setup.activate_policy(stream, threshold=0.7, hours=3)
    current = versions.find_active_policy(stream)
    assert current
    assert current.spec.threshold == 0.7


def test_the_database_enforces_a_different_approver(stream: Stream) -> None:
    with pytest.raises(IntegrityError, match="approver_is_somebody_else"), transaction.atomic():
        Activation.objects.create(
            stream=stream,
            policy=Policy.objects.get(),
            effective_at=stream_setup.LONG_AGO + timedelta(hours=1),
            activated_by="user:mara",
            approved_by="user:mara",
        )
