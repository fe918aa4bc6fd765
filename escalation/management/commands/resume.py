"""`manage.py resume STOP --asked-by A --by B --reason R`: lift a stop, in the names of two managers."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from escalation.models import Stop
from escalation.routing.stop import confirm_resume, request_resume
from reviewqueue.kernel.errors import DomainError


class Command(BaseCommand):
    help = "Lift a stop. Resuming takes two active managers; both names are recorded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("stop", type=int, help="The number of the stop, as printed by `stop`.")
        parser.add_argument("--asked-by", required=True, help="The username of the manager who asked to resume.")
        parser.add_argument("--by", required=True, help="The username of the manager who confirmed it.")
        parser.add_argument("--reason", required=True, help="The reason to record.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Stop.objects.filter(pk=options["stop"]).first()
        if stop is None:
            raise CommandError(f"There is no stop {options['stop']}. Use the number that `stop` printed.")
        try:
            with transaction.atomic():
                request_resume(stop=stop, by=f"user:{options['asked_by']}", reason=options["reason"])
                confirm_resume(stop=stop, by=f"user:{options['by']}")
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Resumed.")
