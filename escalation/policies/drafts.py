"""The policy version of a stream that nobody has brought into effect yet."""

from __future__ import annotations

from dataclasses import dataclass

from escalation.models import ApprovalRequest, DeclinedRequest, Policy, Stream
from escalation.policies import approvals, versions
from escalation.policies.versions import ActivePolicy


@dataclass(frozen=True, slots=True)
class Draft:
    """A version that was never in effect, with its open approval request, or else the decline of its last one."""

    policy: Policy
    request: ApprovalRequest | None
    declined: DeclinedRequest | None


def find_newest_draft(stream: Stream, current: ActivePolicy | None) -> Draft | None:
    """The newest version for the present answers that was made after the active one and never in effect."""
    newer = Policy.objects.select_related("stream").filter(
        stream=stream, number__gt=current.number if current else 0, schema_number=stream.schema_number
    )
    policy = newer.filter(activations=None).order_by("-number").first()
    if policy is None:
        return None
    request = versions.find_approval_request(policy)
    return Draft(policy, request, None if request else approvals.find_last_decline(policy))
