"""Policy versions and their activations: what took effect, when, by whom, and approved by whom."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from escalation.models import Activation, ApprovalRequest, Evidence, Output, Policy, Stream
from escalation.policies import approvals, queries
from escalation.policies.spec import PolicySpec, dump_spec, hash_spec, only_tightens, parse_spec
from reviewqueue.accounts import second_person
from reviewqueue.accounts.second_person import SamePerson
from reviewqueue.activity import log
from reviewqueue.kernel import clock, json_pointer, sql
from reviewqueue.kernel.errors import DomainError, Invalid


class ApprovalNeeded(DomainError):
    code = "approval_needed"


class AlreadyActive(DomainError):
    code = "already_active"


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """The policy in effect for a stream."""

    policy_id: int
    number: int
    spec: PolicySpec
    activation_id: int


@dataclass(frozen=True, slots=True)
class ProposedVersion:
    """A policy version, whether it is in effect now, and a message that says so."""

    policy: Policy
    active: bool
    sentence: str


def validate_spec(spec: Any) -> PolicySpec:
    """Parse a policy from plain data. Raises Invalid with a pointer to the error."""
    try:
        return parse_spec(spec)
    except (msgspec.ValidationError, TypeError) as error:
        sentence, pointer = json_pointer.split_validation_message(str(error))
        raise Invalid(f"Invalid policy: {error}", [{"pointer": pointer, "detail": sentence}]) from error


def save_version(*, stream: Stream, spec: PolicySpec, actor: str, now: datetime | None = None) -> Policy:
    """The version with this content: an existing one, or a new one."""
    digest = hash_spec(spec, stream.schema_number)
    with transaction.atomic():
        _lock_stream(stream)
        known = Policy.objects.filter(stream=stream, content_hash=digest).first()
        if known:
            return known
        latest = Policy.objects.filter(stream=stream).aggregate(latest=Max("number"))["latest"] or 0
        policy = Policy.objects.create(
            stream=stream,
            number=latest + 1,
            content_hash=digest,
            spec=dump_spec(spec),
            schema_number=stream.schema_number,
            created_by=actor,
            created_at=clock.current_time(now),
        )
        log.record_event(
            actor=actor,
            verb="policy.created",
            object_type="policy",
            object_id=policy.pk,
            queue=stream.slug,
            after={"number": policy.number, "content_hash": digest},
            at=now,
        )
    return policy


def propose_version(
    *, stream: Stream, spec: PolicySpec, actor: str, reason: str = "", now: datetime | None = None
) -> ProposedVersion:
    """Save a version. Activates it at once if one person may do so, otherwise requests approval."""
    with transaction.atomic():
        policy = save_version(stream=stream, spec=spec, actor=actor, now=now)
        current = find_active_policy(stream)
        if current and current.policy_id == policy.pk:
            return ProposedVersion(
                policy, active=True, sentence=_("Version %(number)s is already in effect.") % {"number": policy.number}
            )
        if needs_approval(stream, spec):
            request_approval(policy=policy, by=actor, reason=reason, now=now)
            return ProposedVersion(
                policy,
                active=False,
                sentence=_(
                    "Version %(number)s is a draft: it may send fewer outputs to review, "
                    "so a second person has to approve it."
                )
                % {"number": policy.number},
            )
        activate_version(policy=policy, by=actor, reason=reason, now=now)
    return ProposedVersion(
        policy, active=True, sentence=_("Version %(number)s is in effect.") % {"number": policy.number}
    )


def request_approval(*, policy: Policy, by: str, reason: str = "", now: datetime | None = None) -> None:
    """Request approval, as the first of two people. An earlier valid request is kept, with its author."""
    with transaction.atomic():
        _lock_stream(policy.stream)
        if find_approval_request(policy) is None:
            current = find_active_policy(policy.stream)
            before = current.activation_id if current else None
            approvals.record_approval_request(policy, instead_of=before, by=by, reason=reason, now=now)


def find_approval_request(policy: Policy) -> ApprovalRequest | None:
    """The valid approval request: by a manager, made since the last activation. None if there is none."""
    current = find_active_policy(policy.stream)
    return approvals.find_valid_request(policy, instead_of=current.activation_id if current else None)


def approve_version(*, policy: Policy, by: str, reason: str = "", now: datetime | None = None) -> Activation:
    """Activate a version as the second person.

    Raises ApprovalNeeded if there is no valid request, SamePerson and SecondPersonNeeded.
    """
    with transaction.atomic():
        _lock_stream(policy.stream)
        request = find_approval_request(policy)
        if request is None:
            raise ApprovalNeeded(
                _(
                    "There is no open approval request for version %(number)s. "
                    "Request approval first; another manager can then approve it."
                )
                % {"number": policy.number}
            )
        second_person.require_two_managers(asked_by=request.asked_by, confirmed_by=by, slug=policy.stream.slug)
        return activate_version(
            policy=policy, by=request.asked_by, approved_by=by, reason=reason or request.reason, now=now
        )


def activate_version(
    *,
    policy: Policy,
    by: str,
    approved_by: str = "",
    reason: str = "",
    evidence: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> Activation:
    """Activate a version now. A version that may send fewer outputs to review needs a second person.

    `approved_by` comes from `approve_version`, the only caller that may set it: it checks both people.
    Raises AlreadyActive, SamePerson and ApprovalNeeded.
    """
    with transaction.atomic():
        # Concurrent activations wait here, so each is compared with the policy that it actually replaces.
        _lock_stream(policy.stream)
        before = find_active_policy(policy.stream)
        if before and before.policy_id == policy.pk:
            raise AlreadyActive(_("Version %(number)s is already in effect.") % {"number": policy.number})
        _check_approval(policy, by=by, approved_by=approved_by)
        activation = Activation.objects.create(
            stream=policy.stream,
            policy=policy,
            effective_at=clock.current_time(now),
            activated_by=by,
            approved_by=approved_by,
            reason=reason,
            evidence=evidence or _latest_evidence(policy),
        )
        log.record_event(
            actor=approved_by or by,
            verb="policy.activated",
            object_type="policy",
            object_id=policy.pk,
            queue=policy.stream.slug,
            before={"number": before.number} if before else None,
            after={"number": policy.number, "activated_by": by, "approved_by": approved_by, "reason": reason},
            at=now,
        )
    return activation


def _latest_evidence(policy: Policy) -> dict[str, Any]:
    """The latest evaluation that the version is based on, as plain data; empty if there is none."""
    latest = Evidence.objects.filter(policy=policy).order_by("-pk").values_list("evaluation_id", flat=True).first()
    return {} if latest is None else {"attempt": latest}


def needs_approval(stream: Stream, spec: PolicySpec) -> bool:
    """Whether activating this policy takes two people."""
    current = find_active_policy(stream)
    if current is None:
        # No policy was ever active in this stream, and without traffic nothing is at stake yet.
        return Output.objects.filter(stream=stream).exists()
    return not only_tightens(current.spec, spec)


def find_previous_version(policy: Policy) -> Policy | None:
    """The version that this one replaced when it last took effect; None for the first version and for drafts."""
    order = ("-effective_at", "-pk")
    last = policy.activations.order_by(*order).first()
    if last is None:
        return None
    earlier = Activation.objects.filter(stream=policy.stream_id).exclude(policy=policy)
    earlier = earlier.filter(Q(effective_at__lt=last.effective_at) | Q(effective_at=last.effective_at, pk__lt=last.pk))
    replaced = earlier.select_related("policy").order_by(*order).first()
    return replaced.policy if replaced else None


def find_active_policy(stream: Stream) -> ActivePolicy | None:
    """The policy in effect at this moment, not at the transaction's start.

    An activation that waited for a concurrent one has to see the other's result.
    """
    return find_active_policies([stream.pk]).get(stream.pk)


def find_active_policies(stream_ids: Iterable[int]) -> dict[int, ActivePolicy]:
    """`find_active_policy` for several streams, by stream id."""
    return _query_active(stream_ids, at="clock_timestamp()")


def find_policies_at_transaction_start(stream_ids: Iterable[int]) -> dict[int, ActivePolicy]:
    """The policy in effect for each stream: its latest activation as of this transaction's start."""
    return _query_active(stream_ids, at="now()")


def _query_active(stream_ids: Iterable[int], *, at: str) -> dict[int, ActivePolicy]:
    return {
        row[0]: ActivePolicy(row[1], row[2], _cached_spec(row[1], row[3]), row[4])
        for row in sql.fetch_tuples(queries.ACTIVE_POLICIES.format(at=at), [list(stream_ids)])
    }


def spec_of(policy: Policy) -> PolicySpec:
    return parse_spec(policy.spec)


def _check_approval(policy: Policy, *, by: str, approved_by: str) -> None:
    if approved_by == by:
        raise SamePerson(_("You cannot approve your own request. Ask another manager to approve it."))
    if not approved_by and needs_approval(policy.stream, parse_spec(policy.spec)):
        raise ApprovalNeeded(
            _("Version %(number)s may send fewer outputs to review, so a second person has to approve it.")
            % {"number": policy.number}
        )


def _lock_stream(stream: Stream) -> None:
    Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)


@functools.lru_cache(maxsize=1024)
def _cached_spec(policy_id: int, text: str) -> PolicySpec:
    """The parsed policy. Policies never change, so each is parsed once per process."""
    return msgspec.json.decode(text, type=PolicySpec)
