"""Create an API key: `manage.py create_key NAME --scopes a,b [--streams s,t] [--as USERNAME] [--days N]`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reviewqueue.accounts import api_keys
from reviewqueue.kernel.errors import DomainError
from reviewqueue.models import User


class Command(BaseCommand):
    help = "Create an API key and print it. The key is shown only this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="a name for the key, such as the system that uses it")
        parser.add_argument(
            "--scopes", required=True, help="comma-separated scopes, such as outputs:write,decisions:read"
        )
        parser.add_argument("--streams", default="", help="comma-separated streams to bind the key to (default: all)")
        parser.add_argument("--as", dest="acts_as", metavar="USERNAME", help="the reviewer the key acts for")
        parser.add_argument("--days", type=int, help="days until the key expires (default: never)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _, text = api_keys.create_key(
                name=options["name"],
                scopes=_split_commas(options["scopes"]),
                queues=_split_commas(options["streams"]),
                acts_as=_find_person(options["acts_as"]),
                days=options["days"],
                by=None,
            )
        except DomainError as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(text)


def _find_person(username: str | None) -> User | None:
    if username is None:
        return None
    person = User.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise CommandError(f"Unknown user, or closed account: {username!r}.")
    return person


def _split_commas(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
