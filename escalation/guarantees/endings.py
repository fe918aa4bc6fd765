"""Guarantees that ended and that nobody has acted on yet, and what is automated meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import Exists, OuterRef, Sum

from escalation.guarantees import guarantees
from escalation.guarantees.guarantees import Guarantee
from escalation.models import Activation, GuaranteeEnding, GuaranteeWatch, Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from reviewqueue.activity import log

# What is released without a review: nothing at all, nothing before its audit, or what reaches its threshold.
type Automation = Literal["nothing", "after_audit", "above_threshold"]


@dataclass(frozen=True, slots=True)
class OpenEnding:
    """A guarantee that ended for good, while no person has activated another policy version since.

    `audits`, `wrong`: what the audits since the guarantee took effect found, up to the alarm if there was one.
    `threshold`: the threshold in effect; None if there are several.
    """

    guarantee: Guarantee
    ended_at: datetime
    automation: Automation
    threshold: float | None
    audits: int
    wrong: int


def find_open_ending(stream: Stream) -> OpenEnding | None:
    """The ending of a stream's guarantee that still needs a decision; None if there is none."""
    return find_open_endings([stream]).get(stream.pk)


def find_open_endings(streams: Sequence[Stream]) -> dict[int, OpenEnding]:
    """`find_open_ending` for several streams, by stream id, in a fixed number of queries; usually one."""
    endings = {ending.evaluation.stream_id: ending for ending in _list_endings_without_decision(streams)}
    if not endings:
        return {}
    latest = guarantees.find_latest_guarantees([stream for stream in streams if stream.pk in endings])
    active = versions.find_active_policies(endings)
    found = {}
    for stream_id, ending in endings.items():
        guarantee = latest.get(stream_id)
        # The same thresholds can be certified anew without another activation.
        if guarantee is not None and guarantee.evaluation.pk == ending.evaluation_id:
            found[stream_id] = _build_ending(guarantee, ending, active[stream_id].spec)
    return found


def summarize_automation(spec: PolicySpec) -> Automation:
    """What a policy releases without a review."""
    if spec.threshold is None and not spec.thresholds and not spec.segments:
        return "nothing"
    return "after_audit" if spec.audit.rate == 1.0 and spec.audit.mode == "hold" else "above_threshold"


def _list_endings_without_decision(streams: Sequence[Stream]) -> list[GuaranteeEnding]:
    """The latest ending of each stream, unless a person has activated a version since."""
    by_person = Activation.objects.exclude(activated_by__startswith=log.system_actor(""))
    since = by_person.filter(stream=OuterRef("evaluation__stream"), effective_at__gt=OuterRef("ended_at"))
    last = (
        GuaranteeEnding.objects.filter(evaluation__stream__in=streams)
        .order_by("evaluation__stream", "-ended_at", "-pk")
        .distinct("evaluation__stream")
    )
    return list(GuaranteeEnding.objects.filter(~Exists(since), pk__in=last.values("pk")).select_related("evaluation"))


def _build_ending(guarantee: Guarantee, ending: GuaranteeEnding, spec: PolicySpec) -> OpenEnding:
    watched = GuaranteeWatch.objects.filter(evaluation=ending.evaluation_id)
    counts = watched.aggregate(audits=Sum("audits", default=0), wrong=Sum("wrong", default=0))
    return OpenEnding(
        guarantee=guarantee,
        ended_at=ending.ended_at,
        automation=summarize_automation(spec),
        threshold=None if spec.thresholds or spec.segments else spec.threshold,
        audits=counts["audits"],
        wrong=counts["wrong"],
    )
