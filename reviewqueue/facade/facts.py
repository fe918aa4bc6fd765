"""What reports, pages and invariant checks read from the review side.

Each name is offered as it stands in the module that it comes from.
"""

from __future__ import annotations

from reviewqueue.facade.queries import EVENTS_SQL, ITEMS_SQL, LABELS_SQL, UNTAKEN_LABELS_SQL
from reviewqueue.reports.invariants import InvariantCheck, list_checks
from reviewqueue.reports.reviews import (
    COUNTED_ACTIONS,
    ActivityEvent,
    Block,
    ItemPass,
    ItemVerdict,
    build_content_blocks,
    count_actions,
    describe_reason,
    guidelines_of,
    is_item_open,
    list_active_reviewers,
    list_events_about,
    list_items_by_action,
    list_open_item_ids,
    list_recent_events,
    list_visible_events,
    open_ids_among,
    passes_of,
    references_among,
    verdicts_of,
)

__all__ = [
    "COUNTED_ACTIONS",
    "EVENTS_SQL",
    "ITEMS_SQL",
    "LABELS_SQL",
    "UNTAKEN_LABELS_SQL",
    "ActivityEvent",
    "Block",
    "InvariantCheck",
    "ItemPass",
    "ItemVerdict",
    "build_content_blocks",
    "count_actions",
    "describe_reason",
    "guidelines_of",
    "is_item_open",
    "list_active_reviewers",
    "list_checks",
    "list_events_about",
    "list_items_by_action",
    "list_open_item_ids",
    "list_recent_events",
    "list_visible_events",
    "open_ids_among",
    "passes_of",
    "references_among",
    "verdicts_of",
]
