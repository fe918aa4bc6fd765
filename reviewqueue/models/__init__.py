"""The rows of people's side."""

from .events import Event
from .items import ClaimCursor, Item, ItemContent, Pass, Seen, Slot
from .keys import ApiKey
from .people import Membership, Preferences, User
from .queues import AnswerSchema, Guideline, GuidelineRead, Queue
from .verdicts import Draft, FirstAnswer, Label, LabelOutbox, Verdict

__all__ = [
    "AnswerSchema",
    "ApiKey",
    "ClaimCursor",
    "Draft",
    "Event",
    "FirstAnswer",
    "Guideline",
    "GuidelineRead",
    "Item",
    "ItemContent",
    "Label",
    "LabelOutbox",
    "Membership",
    "Pass",
    "Preferences",
    "Queue",
    "Seen",
    "Slot",
    "User",
    "Verdict",
]
