"""Create a person: `manage.py create_user USERNAME --role ROLE [--streams s,t]`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reviewqueue.accounts import people
from reviewqueue.kernel.errors import DomainError


class Command(BaseCommand):
    help = "Create a person. The password is read from standard input if piped, otherwise generated and printed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--role", required=True, help="reviewer, lead, manager, auditor or admin")
        parser.add_argument("--streams", default="", help="comma-separated streams the person is a member of")
        parser.add_argument("--all-streams", action="store_true", help="every stream, including future ones")
        parser.add_argument("--name", default="", help="full name")

    def handle(self, *args: Any, **options: Any) -> None:
        given = _read_piped_password()
        try:
            _, password = people.create_person(
                username=options["username"],
                role=options["role"],
                queues=[slug.strip() for slug in options["streams"].split(",") if slug.strip()],
                all_queues=options["all_streams"],
                name=options["name"],
                password=given,
                by=None,
            )
        except DomainError as refusal:
            raise CommandError(str(refusal)) from None
        if given is None:
            self.stdout.write(password)


def _read_piped_password() -> str | None:
    """The first line of standard input, or None when it is empty or a terminal."""
    if sys.stdin is None or sys.stdin.isatty():
        return None
    return sys.stdin.readline().rstrip("\r\n") or None
