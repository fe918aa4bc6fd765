"""`manage.py begin_epoch`: after restoring a backup, end the cursors of the decisions feed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from escalation.decisions import feed


class Command(BaseCommand):
    help = "After restoring a backup: end every cursor of the decisions feed, so that readers start over."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Cursors now begin with {feed.begin_new_epoch()}.")
