"""Approval requests for policy versions that need a second person."""

from __future__ import annotations

from datetime import datetime

from escalation.models import ApprovalRequest, DeclinedRequest, Policy
from reviewqueue.accounts import second_person
from reviewqueue.activity import log
from reviewqueue.kernel import clock


def record_approval_request(
    policy: Policy, *, instead_of: int | None, by: str, reason: str, now: datetime | None
) -> None:
    """Record a request for approval, unless the same one stands. `instead_of`: the active activation's id, if any.

    A file that is applied again and again asks once, also under a name that is no manager's.
    """
    if ApprovalRequest.objects.filter(policy=policy, instead_of=instead_of, asked_by=by, declined=None).exists():
        return
    ApprovalRequest.objects.create(
        policy=policy, instead_of_id=instead_of, asked_by=by, asked_at=clock.current_time(now), reason=reason
    )
    log.record_event(
        actor=by,
        verb="policy.proposed",
        object_type="policy",
        object_id=policy.pk,
        queue=policy.stream.slug,
        after={"number": policy.number, "reason": reason},
        at=now,
    )


def find_valid_request(policy: Policy, *, instead_of: int | None) -> ApprovalRequest | None:
    """The latest valid request: made while the same activation was in effect, by an active manager of the stream.

    A declined one is not valid.
    """
    open_requests = ApprovalRequest.objects.filter(policy=policy, instead_of=instead_of, declined=None)
    for request in open_requests.select_related("policy__stream").order_by("-id"):
        if second_person.may_stand(request.asked_by, slug=policy.stream.slug):
            return request
    return None


def find_last_decline(policy: Policy) -> DeclinedRequest | None:
    """The decline of the version's latest request; None if that was not declined."""
    latest = ApprovalRequest.objects.filter(policy=policy).select_related("declined").order_by("-id").first()
    return getattr(latest, "declined", None)


def decline_request(request: ApprovalRequest, *, by: str, reason: str, now: datetime | None) -> None:
    """Record that a manager declined the request, or that its author withdrew it."""
    DeclinedRequest.objects.create(request=request, declined_by=by, declined_at=clock.current_time(now), reason=reason)
    log.record_event(
        actor=by,
        verb="policy.withdrawn" if by == request.asked_by else "policy.declined",
        object_type="policy",
        object_id=request.policy_id,
        queue=request.policy.stream.slug,
        after={"number": request.policy.number, "reason": reason, "asked_by": request.asked_by},
        at=now,
    )
