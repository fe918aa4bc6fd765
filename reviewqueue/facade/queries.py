"""The tables of the review side as subselects, for invariant checks that compare both sides.

They are written in place of a table name: `FROM {ITEMS_SQL} i`. PostgreSQL flattens them, so they cost nothing. Their
columns keep their names when the tables change.
"""

from __future__ import annotations

# Items: `source` is `output` unless the item came from elsewhere.
ITEMS_SQL = "(SELECT id, state, source FROM reviewqueue_item)"
# Labels, one for each settled round of an item.
LABELS_SQL = "(SELECT id, item_id, round, outcome, answer FROM reviewqueue_label)"
# Labels that nobody has taken yet.
UNTAKEN_LABELS_SQL = "(SELECT label_id FROM reviewqueue_labeloutbox)"
# The activity log.
EVENTS_SQL = "(SELECT id, at, verb, object_type, object_id, object_ids FROM reviewqueue_event)"
