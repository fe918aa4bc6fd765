"""`manage.py check_ledger`: exit 0 if every invariant holds; otherwise print the rows that violate one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from escalation.monitoring import invariants


class Command(BaseCommand):
    help = "Check all invariants; prints the rows that violate one."

    def handle(self, *args: Any, **options: Any) -> None:
        violations = invariants.find_violations()
        for violation in violations:
            self.stderr.write(f"{violation.check.name}: {violation.check.sentence}")
            for row in violation.rows:
                self.stderr.write("  " + " | ".join(str(value) for value in row))
        if violations:
            raise CommandError(f"Invariant checks failed: {len(violations)}.")
        self.stdout.write("All invariants hold.")
