"""The rows of people's side."""

from .events import Event
from .items import ClaimCursor, Item, ItemContent, Pass, Seen, Slot
from .keys import ApiKey
from .people import Membership, User
from .queues import AnswerSchema, Guideline, Queue
from .verdicts import FirstAnswer, Label, LabelOutbox, Verdict

__all__ = [
    "AnswerSchema",
    "ApiKey",
    "ClaimCursor",
    "Event",
    "FirstAnswer",
    "Guideline",
    "Item",
    "ItemContent",
    "Label",
    "LabelOutbox",
    "Membership",
    "Pass",
    "Queue",
    "Seen",
    "Slot",
    "User",
    "Verdict",
]
