"""Commands for a running product: a line in is the command, a line out is its result as JSON.

Runs in a process of its own, as the product's database is not that of the tests; one for all, as each takes seconds.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connection

from escalation.streams import definition
from reviewqueue.accounts import api_keys
from reviewqueue.models import Membership, Queue, User


def prepare() -> dict[str, str]:
    """Migrate, and create the stream, its reviewers, and their keys and a producer's."""
    call_command("migrate", interactive=False, verbosity=0)
    described = {
        "slug": "intents",
        "title": "Support intents",
        "answers": ["billing", "refund"],
        "review": {"undo_seconds": 0, "max_waiting": 1_000_000},
        "policy": {"threshold": 0.8, "audit": {"rate": 0.0}},
    }
    definition.apply_definition(definition.parse_definitions({"streams": [described]})[0], actor="system:test")
    keys = {"producer": api_keys.create_key(name="producer", scopes=["outputs:write"], by=None)[1]}
    for name in ("rob", "rita"):
        person = User.objects.create_user(username=name, password=f"{name}-password", role="reviewer")
        Membership.objects.create(user=person, queue=Queue.objects.get(slug="intents"))
        _, keys[name] = api_keys.create_key(name=name, scopes=["review"], by=None, acts_as=person)
    return keys


def check_ledger() -> str:
    """What `manage.py check_ledger` prints; empty if every invariant holds."""
    errors = io.StringIO()
    try:
        call_command("check_ledger", stdout=io.StringIO(), stderr=errors)
    except CommandError as failed:
        return f"{failed}\n{errors.getvalue()}"
    return ""


def main() -> None:
    commands = {"prepare": prepare, "check_ledger": check_ledger}
    for line in sys.stdin:
        result: Any = commands[line.strip()]()
        connection.close()
        print(json.dumps(result), flush=True)  # noqa: T201 - the answer
