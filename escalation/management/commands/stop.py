"""`manage.py stop [STREAM]`: send every output to review from now on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from escalation.routing import stop
from escalation.streams import definition
from reviewqueue.kernel.errors import DomainError


class Command(BaseCommand):
    help = "Stop one stream, or all of them: from now on every output is sent to review."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("stream", nargs="?", help="The stream's slug; omit it to stop all streams.")
        parser.add_argument("--by", default="system:command", help="The name to record as having stopped it.")
        parser.add_argument("--reason", default="", help="The reason to record.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            stream = definition.get_stream(options["stream"]) if options["stream"] else None
        except DomainError as error:
            raise CommandError(str(error)) from error
        stopped = stop.stop_stream(stream=stream, by=options["by"], reason=options["reason"])
        self.stdout.write(f"Stopped: {stream or 'all streams'} (stop {stopped.pk}).")
