"""`manage.py apply streams.yaml`: create or change the streams defined in a file."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from escalation.streams import definition, definition_file
from escalation.streams.definition import AppliedDefinition, StreamDefinition
from reviewqueue.kernel.errors import DomainError, Invalid


class Command(BaseCommand):
    help = "Create or change streams, their queues and policies from a YAML file: all of them, or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", default="system:apply", help="The name to record as the author of the changes.")

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"]
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise CommandError(f"Cannot read {path}: {error.strerror}.") from error
        try:
            parsed = definition.parse_definitions(definition_file.parse_file(raw))
            with transaction.atomic():
                results = [_apply(stream, actor=options["by"]) for stream in parsed]
        except DomainError as error:
            raise CommandError(f"{path}: {_describe(error)}") from error
        for result in results:
            verb = "created" if result.created else "up to date"
            policy = result.proposed.sentence if result.proposed else "Policy unchanged."
            self.stdout.write(f"{result.stream.slug}: {verb}. {policy}")


def _apply(stream: StreamDefinition, *, actor: str) -> AppliedDefinition:
    try:
        return definition.apply_definition(stream, actor=actor)
    except Invalid as error:
        raise Invalid(f"stream {stream.slug}: {_describe(error)}") from error


def _describe(error: DomainError) -> str:
    """The error, or all of them, each with its place in the file."""
    errors = error.errors if isinstance(error, Invalid) else []
    lines = [f"{_format_place(one['pointer'])}{one['detail']}" for one in errors]
    return "\n  ".join([*([""] if len(lines) > 1 else []), *lines]) if lines else str(error)


def _format_place(pointer: str) -> str:
    """`/streams/0/answers/2` as `streams[0].answers[2]: `."""
    steps: Iterable[str] = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    place = "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in steps).removeprefix(".")
    return f"{place}: " if place else ""
