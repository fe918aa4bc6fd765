"""The rows of the machines' side."""

from escalation.models.decisions import Decision, FeedHead, Outcome
from escalation.models.outputs import DispatchBatch, ExternalId, Output, Payload, Route
from escalation.models.policies import Activation, DailyRate, Policy, PolicyRequest, Stop
from escalation.models.promises import Attempt, Count, CountedDay, Ending, Evidence, Target, TestItem, Watch
from escalation.models.streams import Heartbeat, Stream

__all__ = [
    "Activation",
    "Attempt",
    "Count",
    "CountedDay",
    "DailyRate",
    "Decision",
    "DispatchBatch",
    "Ending",
    "Evidence",
    "ExternalId",
    "FeedHead",
    "Heartbeat",
    "Outcome",
    "Output",
    "Payload",
    "Policy",
    "PolicyRequest",
    "Route",
    "Stop",
    "Stream",
    "Target",
    "TestItem",
    "Watch",
]
