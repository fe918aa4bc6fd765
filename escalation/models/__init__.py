"""The tables of the escalation (model) side."""

from escalation.models.decisions import Decision, FeedHead, Outcome
from escalation.models.guarantees import (
    CountedDay,
    CountedEvidence,
    ErrorTarget,
    Evaluation,
    Evidence,
    EvidenceLine,
    GuaranteeEnding,
    GuaranteeWatch,
    OutputCount,
    TestItem,
)
from escalation.models.outputs import DispatchBatch, ExternalId, Output, Payload, Route
from escalation.models.policies import Activation, ApprovalRequest, DailyRate, DeclinedRequest, Policy, Stop
from escalation.models.streams import Heartbeat, Stream

__all__ = [
    "Activation",
    "ApprovalRequest",
    "CountedDay",
    "CountedEvidence",
    "DailyRate",
    "Decision",
    "DeclinedRequest",
    "DispatchBatch",
    "ErrorTarget",
    "Evaluation",
    "Evidence",
    "EvidenceLine",
    "ExternalId",
    "FeedHead",
    "GuaranteeEnding",
    "GuaranteeWatch",
    "Heartbeat",
    "Outcome",
    "Output",
    "OutputCount",
    "Payload",
    "Policy",
    "Route",
    "Stop",
    "Stream",
    "TestItem",
]
