"""`manage.py apply streams.yaml`: create or change the streams defined in a file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from escalation.streams import definition
from reviewqueue.kernel.errors import DomainError


class Command(BaseCommand):
    help = "Create or change streams, their queues and policies from a YAML file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", default="system:apply", help="The name to record as the author of the changes.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                parsed = definition.parse_definitions(yaml.safe_load(options["file"].read_text()))
                results = [definition.apply_definition(stream, actor=options["by"]) for stream in parsed]
        except OSError as error:
            raise CommandError(f"Cannot read {options['file']}: {error.strerror}.") from error
        except (yaml.YAMLError, DomainError) as error:
            raise CommandError(f"{options['file']}: {error}") from error
        for result in results:
            verb = "created" if result.created else "up to date"
            policy = result.proposed.sentence if result.proposed else "Policy unchanged."
            self.stdout.write(f"{result.stream.slug}: {verb}. {policy}")
