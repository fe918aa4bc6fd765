"""Settle items whose verdicts are final, and take the resulting labels.

Each name is offered as it stands in `verdicts.labels`.
"""

from __future__ import annotations

from reviewqueue.verdicts.labels import SettledLabel, error_types_of, settle_due_items, take_labels

__all__ = ["SettledLabel", "error_types_of", "settle_due_items", "take_labels"]
