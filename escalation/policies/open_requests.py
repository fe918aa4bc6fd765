"""Approval requests of several streams that wait for their second person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Q

from escalation.models import ApprovalRequest, Stream
from escalation.policies import versions
from escalation.policies.versions import ActivePolicy
from reviewqueue.accounts import second_person


def list_open_requests(streams: Sequence[Stream], active: Mapping[int, ActivePolicy]) -> list[ApprovalRequest]:
    """The valid approval requests of these streams, oldest first; one per version, as `versions` would find it.

    active: the policies in effect, by stream id.
    """
    without_policy = [stream.pk for stream in streams if stream.pk not in active]
    current = Q(instead_of__in=[policy.activation_id for policy in active.values()])
    first = Q(instead_of=None, policy__stream__in=without_policy)
    rows = ApprovalRequest.objects.filter(current | first, declined=None).select_related("policy__stream")
    valid: dict[int, ApprovalRequest] = {}
    for row in rows:
        if row.policy_id not in valid and _counts(row):
            valid[row.policy_id] = row
    return sorted(valid.values(), key=lambda row: row.pk)


def _counts(row: ApprovalRequest) -> bool:
    return not versions.is_outdated(row.policy) and second_person.may_stand(row.asked_by, slug=row.policy.stream.slug)
