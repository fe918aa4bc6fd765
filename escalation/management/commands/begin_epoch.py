"""`manage.py begin_epoch`: invalidate the cursors of the decisions feed after restoring a backup."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from escalation.decisions import feed


class Command(BaseCommand):
    help = "Run after restoring a backup: invalidate every cursor of the decisions feed, so that readers start over."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"All cursors are invalid now. New ones begin with {feed.begin_new_epoch()}.")
