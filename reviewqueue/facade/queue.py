"""Set up a queue, put items in, take them out, ask again, and measure what waits.

Each name is offered as it stands in `queue.items`, `queue.final_says`, `queue.settings` and `queue.workload`.
"""

from __future__ import annotations

from reviewqueue.queue.final_says import count_final_says
from reviewqueue.queue.items import (
    Lane,
    NewItem,
    NotSettled,
    QueueLoad,
    enqueue_items,
    expire_items,
    measure_loads,
    reopen_item,
    withdraw_items,
)
from reviewqueue.queue.settings import (
    QueueDefinition,
    QueueSettings,
    configure_queue,
    get_answer_spec,
    load_answer_spec,
    lock_settings,
)
from reviewqueue.queue.workload import UnreviewableItems, count_unreviewable

__all__ = [
    "CHECKS_LANE",
    "ORDINARY_LANE",
    "NewItem",
    "NotSettled",
    "QueueDefinition",
    "QueueLoad",
    "QueueSettings",
    "UnreviewableItems",
    "configure_queue",
    "count_final_says",
    "count_unreviewable",
    "enqueue_items",
    "expire_items",
    "get_answer_spec",
    "load_answer_spec",
    "lock_settings",
    "measure_loads",
    "reopen_item",
    "withdraw_items",
]

# Values of `NewItem.lane`.
ORDINARY_LANE = Lane.ORDINARY.value
CHECKS_LANE = Lane.CHECKS.value
