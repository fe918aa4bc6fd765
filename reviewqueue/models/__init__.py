"""Database models of the review side."""

from reviewqueue.models.events import Event
from reviewqueue.models.items import ClaimCursor, Item, ItemContent, Pass, Seen, Slot
from reviewqueue.models.keys import ApiKey
from reviewqueue.models.people import Membership, Preferences, User
from reviewqueue.models.queues import AnswerSchema, Guideline, GuidelineRead, Queue
from reviewqueue.models.verdicts import Draft, FirstAnswer, Label, LabelOutbox, Verdict

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
