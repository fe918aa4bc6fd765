"""`manage.py resume STOP --asked-by A --by B`: lift a stop; it takes two people."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from escalation.models import Stop
from escalation.routing.stop import confirm_resume, request_resume
from reviewqueue.kernel.errors import DomainError


class Command(BaseCommand):
    help = "Lift a stop. Resuming takes two people, so two names stand on record."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("stop", type=int, help="The number that stopping printed.")
        parser.add_argument("--asked-by", required=True)
        parser.add_argument("--by", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Stop.objects.filter(pk=options["stop"]).first()
        if stop is None:
            raise CommandError(f"There is no stop {options['stop']}.")
        try:
            with transaction.atomic():
                request_resume(stop=stop, by=options["asked_by"])
                confirm_resume(stop=stop, by=options["by"])
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Resumed.")
