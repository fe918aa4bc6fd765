"""What Celery runs for people's side: each task is one domain call, and may run twice, at once, or not at all."""

from __future__ import annotations

from celery import shared_task

from reviewqueue.verdicts import drafts


@shared_task(max_retries=3)
def drop_old_drafts() -> None:
    """Forget what was filled in and never sent, a day later."""
    drafts.drop_old_drafts()
