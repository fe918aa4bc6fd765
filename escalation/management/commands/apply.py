"""`manage.py apply streams.yaml`: create or change streams as a file describes them."""

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
    help = "Create or change streams, their queues and policies, as a YAML file describes them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", default="system:apply", help="Who is on record as having applied it.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                described = definition.parse_definitions(yaml.safe_load(options["file"].read_text()))
                applied = [definition.apply_definition(description, actor=options["by"]) for description in described]
        except OSError as error:
            raise CommandError(f"{options['file']} cannot be read: {error.strerror}.") from error
        except (yaml.YAMLError, DomainError) as error:
            raise CommandError(f"{options['file']}: {error}") from error
        for one in applied:
            verb = "created" if one.created else "is as described"
            policy = one.proposed.sentence if one.proposed else "Its policy is left as it is."
            self.stdout.write(f"{one.stream.slug}: {verb}. {policy}")
