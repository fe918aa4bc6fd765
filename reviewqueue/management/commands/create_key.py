"""`manage.py create_key NAME --scopes a,b [--streams s,t] [--as USERNAME] [--days N]`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reviewqueue.accounts import api_keys
from reviewqueue.kernel.errors import DomainError
from reviewqueue.models import User


class Command(BaseCommand):
    help = "Makes an API key and prints it, alone and for the only time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="which system uses it")
        parser.add_argument("--scopes", required=True, help="what it may do, separated by commas")
        parser.add_argument("--streams", default="", help="the streams it is bound to; none means all")
        parser.add_argument("--as", dest="acts_as", help="the person whom the key acts for")
        parser.add_argument("--days", type=int, help="expires after so many days; else never")

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
        raise CommandError(f"There is nobody called {username!r}.")
    return person


def _split_commas(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
