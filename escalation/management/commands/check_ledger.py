"""`manage.py check_ledger`: exit 0 when the books balance, else the rows that don't."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from escalation.monitoring import invariants


class Command(BaseCommand):
    help = "Check the invariants of the whole product; prints the rows that break one."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = invariants.find_violations()
        for imbalance in broken:
            self.stderr.write(f"{imbalance.check.name}: {imbalance.check.sentence}")
            for row in imbalance.rows:
                self.stderr.write("  " + " | ".join(str(value) for value in row))
        if broken:
            raise CommandError(f"{len(broken)} checks do not balance.")
        self.stdout.write("The ledger balances.")
