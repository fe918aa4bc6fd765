"""The rows of the machines' side."""

from .decisions import Decision, FeedHead, Outcome
from .outputs import DispatchBatch, ExternalId, Output, Payload, Route
from .policies import Activation, DailyRate, Policy, PolicyRequest, Stop
from .promises import Attempt, Count, CountedDay, Ending, Evidence, Target, TestItem, Watch
from .streams import Heartbeat, Stream

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
