"""The rows of the machines' side."""

from .decisions import Decision, FeedHead, Outcome
from .outputs import DispatchBatch, ExternalId, Output, Payload, Route
from .policies import Activation, DailyRate, Policy, Stop
from .streams import Heartbeat, Stream

__all__ = [
    "Activation",
    "DailyRate",
    "Decision",
    "DispatchBatch",
    "ExternalId",
    "FeedHead",
    "Heartbeat",
    "Outcome",
    "Output",
    "Payload",
    "Policy",
    "Route",
    "Stop",
    "Stream",
]
