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

from escalation.models import Activation, ApprovalRequest, Evidence, Policy, Stream
from escalation.policies import approvals, fit, queries, spec_errors
from escalation.policies.spec import PolicySpec, dump_spec, hash_spec, parse_spec, parse_stored_spec
from reviewqueue.accounts import second_person
from reviewqueue.accounts.second_person import SamePerson
from reviewqueue.activity import log
from reviewqueue.kernel import clock, sql
from reviewqueue.kernel.errors import DomainError, Invalid


class ApprovalNeeded(DomainError):
    code = "approval_needed"


class AlreadyActive(DomainError):
    code = "already_active"


# The reason recorded when the settings in effect are carried over to changed answers.
_CARRIED_OVER_REASON = "the stream's answers changed; the settings stay the same"


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """The policy in effect for a stream. It decides only outputs received under the answers it was made for."""

    policy_id: int
    number: int
    spec: PolicySpec
    activation_id: int
    schema_number: int


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
        found = spec_errors.explain_spec_error(error, spec)
        raise Invalid(found.detail, [{"pointer": found.pointer, "detail": found.detail}]) from error


def save_version(*, stream: Stream, spec: PolicySpec, actor: str, now: datetime | None = None) -> Policy:
    """The version with this content for the stream's present answers: an existing one, or a new one."""
    with transaction.atomic():
        stream = _lock_stream(stream.pk)
        digest = hash_spec(spec, stream.schema_number)
        known = Policy.objects.filter(stream=stream, content_hash=digest).select_related("stream").first()
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
    """Save a version. Activates it at once if one person may do so, otherwise requests approval.

    Raises Invalid, naming each of them, if the policy has parts that could never apply to the stream's answers.
    """
    with transaction.atomic():
        stream = _lock_stream(stream.pk)
        fit.check_fit(spec, stream)
        policy = save_version(stream=stream, spec=spec, actor=actor, now=now)
        current = find_active_policy(stream)
        if current and current.policy_id == policy.pk:
            sentence = _("Version %(number)s is already in effect.")
        elif needs_approval(stream, spec):
            request_approval(policy=policy, by=actor, reason=reason, now=now)
            return ProposedVersion(policy, active=False, sentence=_describe_draft(policy, current))
        else:
            activate_version(policy=policy, by=actor, reason=reason, now=now)
            sentence = _("Version %(number)s is in effect.")
    return ProposedVersion(policy, active=True, sentence=sentence % {"number": policy.number})


def carry_over(*, stream: Stream, actor: str, now: datetime | None = None) -> ProposedVersion | None:
    """After a change of the stream's answers, propose the settings in effect for the new ones.

    Until such a version is in effect, all outputs received under the new answers go to review. None if there is
    nothing to carry over, or versions for these answers exist already. Raises Invalid if the settings do not fit them.
    """
    current = find_active_policy(stream)
    if current is None or current.schema_number == stream.schema_number:
        return None
    if Policy.objects.filter(stream=stream, schema_number=stream.schema_number).exists():
        return None
    try:
        return propose_version(stream=stream, spec=current.spec, actor=actor, reason=_CARRIED_OVER_REASON, now=now)
    except Invalid as misfit:
        detail = _(
            "Version %(number)s of the policy is in effect and does not fit the changed answers: %(detail)s "
            "Change the policy first, or apply a file that changes both."
        ) % {"number": current.number, "detail": " ".join(error["detail"] for error in misfit.errors[:3])}
        pointer = "/answers" if fit.get_form(stream, stream.schema_number).answers else "/schema"
        raise Invalid(detail, [{"pointer": pointer, "detail": detail}]) from misfit


def request_approval(*, policy: Policy, by: str, reason: str = "", now: datetime | None = None) -> None:
    """Request approval, as the first of two people. An earlier valid request is kept, with its author.

    Raises fit.OutdatedVersion.
    """
    with transaction.atomic():
        fit.check_answers(policy, _lock_stream(policy.stream_id))
        if find_approval_request(policy) is None:
            current = find_active_policy(policy.stream)
            before = current.activation_id if current else None
            approvals.record_approval_request(policy, instead_of=before, by=by, reason=reason, now=now)


def find_approval_request(policy: Policy) -> ApprovalRequest | None:
    """The valid approval request: by a manager, made since the last activation, not declined. None if there is none.

    A version for earlier answers has none: nobody can approve it any more.
    """
    if is_outdated(policy):
        return None
    current = find_active_policy(policy.stream)
    return approvals.find_valid_request(policy, instead_of=current.activation_id if current else None)


def is_outdated(policy: Policy) -> bool:
    """Whether the version was made for answers other than those of `policy.stream`."""
    return policy.schema_number != policy.stream.schema_number


def approve_version(*, policy: Policy, by: str, reason: str = "", now: datetime | None = None) -> Activation:
    """Activate a version as the second person.

    Raises ApprovalNeeded if there is no valid request, SamePerson and SecondPersonNeeded.
    """
    with transaction.atomic():
        fit.check_answers(policy, _lock_stream(policy.stream_id))
        request = _require_request(policy)
        second_person.require_two_managers(asked_by=request.asked_by, confirmed_by=by, slug=policy.stream.slug)
        return activate_version(
            policy=policy, by=request.asked_by, approved_by=by, reason=reason or request.reason, now=now
        )


def decline_version(*, policy: Policy, by: str, reason: str = "", now: datetime | None = None) -> None:
    """Decline the open approval request of a version; its author withdraws it. Raises ApprovalNeeded without one.

    The version stays, and approval can be requested again.
    """
    with transaction.atomic():
        _lock_stream(policy.stream_id)
        approvals.decline_request(_require_request(policy), by=by, reason=reason, now=now)


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
    Raises AlreadyActive, SamePerson, ApprovalNeeded, fit.OutdatedVersion, and Invalid for a version with parts that
    could never apply to the stream's answers.
    """
    with transaction.atomic():
        # Concurrent activations and changes of the answers wait here, so each sees what it actually replaces.
        stream = _lock_stream(policy.stream_id)
        before = find_active_policy(stream)
        if before and before.policy_id == policy.pk:
            raise AlreadyActive(_("Version %(number)s is already in effect.") % {"number": policy.number})
        fit.check_answers(policy, stream)
        _check_approval(policy, stream, by=by, approved_by=approved_by)
        fit.check_new_misfits(spec_of(policy), stream, before=before.spec if before else None)
        activation = Activation.objects.create(
            stream=stream,
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
            queue=stream.slug,
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
    """Whether activating this policy for the stream's answers takes two people."""
    current = find_active_policy(stream)
    if current is None:
        # No policy was ever active in this stream, and without traffic nothing is at stake yet.
        return fit.has_traffic(stream)
    return fit.may_loosen(stream, before=current.spec, before_schema=current.schema_number, after=spec)


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
        row[0]: ActivePolicy(row[1], row[2], _cached_spec(row[1], row[3]), row[4], row[5])
        for row in sql.fetch_tuples(queries.ACTIVE_POLICIES.format(at=at), [list(stream_ids)], prepared=True)
    }


def spec_of(policy: Policy) -> PolicySpec:
    return parse_stored_spec(policy.spec)


def _check_approval(policy: Policy, stream: Stream, *, by: str, approved_by: str) -> None:
    if approved_by == by:
        raise SamePerson(_("You cannot approve your own request. Ask another manager to approve it."))
    if not approved_by and needs_approval(stream, spec_of(policy)):
        raise ApprovalNeeded(
            _("Version %(number)s may send fewer outputs to review, so a second person has to approve it.")
            % {"number": policy.number}
        )


def _require_request(policy: Policy) -> ApprovalRequest:
    request = find_approval_request(policy)
    if request is None:
        raise ApprovalNeeded(
            _(
                "There is no open approval request for version %(number)s. "
                "Request approval first; another manager can then approve it."
            )
            % {"number": policy.number}
        )
    return request


def _describe_draft(policy: Policy, current: ActivePolicy | None) -> str:
    if current is not None and current.schema_number != policy.schema_number:
        sentence = _(
            "Version %(number)s is a draft: the stream's answers have changed, so a second person has to approve it. "
            "Until a second manager approves version %(number)s, all outputs go to review."
        )
    else:
        sentence = _(
            "Version %(number)s is a draft: it may send fewer outputs to review, so a second person has to approve it."
        )
    if find_approval_request(policy) is None:
        sentence += " " + _("Nobody has requested approval yet: a manager has to do that on the page of the version.")
    return sentence % {"number": policy.number}


def _lock_stream(stream_id: int) -> Stream:
    """The stream as it is now; nobody else can change it or its policy until the transaction ends."""
    return Stream.objects.select_for_update(no_key=True).get(pk=stream_id)


@functools.lru_cache(maxsize=1024)
def _cached_spec(policy_id: int, text: str) -> PolicySpec:
    """The parsed policy. Policies never change, so each is parsed once per process."""
    return parse_stored_spec(msgspec.json.decode(text))
