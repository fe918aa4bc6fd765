"""The demo's people and API key, and the file that stores how to sign in."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from reviewqueue.accounts import api_keys, people
from reviewqueue.models import User

# Username, role, full name: the cast of the documentation and the tests.
CAST = (
    ("rob", "reviewer", "Rob Reuter"),
    ("rita", "reviewer", "Rita Rossi"),
    ("ann", "lead", "Ann Lehmann"),
    ("mara", "manager", "Mara Meyer"),
    ("max", "manager", "Max Moreau"),
    ("otto", "auditor", "Otto Olsen"),
)
SIGN_IN_FILE = Path("demo-sign-in.json")


@dataclass(frozen=True)
class DemoSignIn:
    """The password of all demo people on this machine, and an API key with every scope."""

    password: str
    key: str


def create_people() -> DemoSignIn:
    """Create missing people and the key; keeps an earlier run's password, and its key if that still works."""
    known = load_sign_in()
    password = known.password if known else "-".join(secrets.token_hex(2) for _ in range(3))
    for username, role, name in CAST:
        person = User.objects.filter(username=username).first()
        if person is None:
            people.create_person(username=username, role=role, by=None, all_queues=True, name=name, password=password)
        elif not person.check_password(password):
            people.change_password(user=person, password=password)
    key = known.key if known and api_keys.authenticate_key(known.key) else _create_api_key()
    return _save_sign_in(DemoSignIn(password=password, key=key))


def _create_api_key() -> str:
    _, key = api_keys.create_key(name="demo", scopes=settings.API_SCOPES, by=None)
    return key


def load_sign_in() -> DemoSignIn | None:
    """What `create_people` saved on this machine; None if it never ran or the file is gone."""
    try:
        return DemoSignIn(**json.loads(_sign_in_path().read_text()))
    except FileNotFoundError:
        return None


def _save_sign_in(sign_in: DemoSignIn) -> DemoSignIn:
    file = _sign_in_path()
    file.parent.mkdir(exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(sign_in)))
    return sign_in


def _sign_in_path() -> Path:
    return Path(settings.BASE_DIR) / "var" / SIGN_IN_FILE
