"""Celery tasks of the review side. Each is one domain call that tolerates running twice, concurrently or never."""

from __future__ import annotations

from celery import shared_task

from reviewqueue.verdicts import drafts


@shared_task(max_retries=3)
def drop_old_drafts() -> None:
    """Delete drafts that were never submitted, once they are 20 hours old."""
    drafts.drop_old_drafts()
