"""Counts waiting items periodically, so that ingest never has to."""

from __future__ import annotations

from escalation.models import Stream
from reviewqueue.facade import queue


def refresh_waiting_counts() -> None:
    """Update each stream's number of waiting items."""
    waiting = {slug: load.waiting for slug, load in queue.measure_loads().items()}
    streams = list(Stream.objects.only("slug", "waiting"))
    changed = [stream for stream in streams if stream.waiting != waiting.get(stream.slug, 0)]
    for stream in changed:
        stream.waiting = waiting.get(stream.slug, 0)
    Stream.objects.bulk_update(changed, ["waiting"])
