"""The demo's people and keys, and the one file that remembers how to sign in as them."""

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
REMEMBERED = Path("demo-sign-in.json")


@dataclass(frozen=True)
class SignIn:
    """The password of all demo people on this machine, and a key that may do everything but manage."""

    password: str
    key: str


def hire() -> SignIn:
    """Create whom and what is missing; the password and the key of an earlier start stay where they still open."""
    known = remembered()
    password = known.password if known else "-".join(secrets.token_hex(2) for _ in range(3))
    for username, role, name in CAST:
        person = User.objects.filter(username=username).first()
        if person is None:
            people.create(username=username, role=role, by=None, all_queues=True, name=name, password=password)
        elif not person.check_password(password):
            people.change_password(user=person, password=password)
    key = known.key if known and api_keys.authenticate(known.key) else _new_key()
    return _remember(SignIn(password=password, key=key))


def _new_key() -> str:
    _, key = api_keys.create(name="demo", scopes=settings.API_SCOPES, by=None)
    return key


def remembered() -> SignIn | None:
    """What `hire` wrote on this machine; None where it never ran, or its folder is gone."""
    try:
        return SignIn(**json.loads(_file().read_text()))
    except FileNotFoundError:
        return None


def _remember(sign_in: SignIn) -> SignIn:
    file = _file()
    file.parent.mkdir(exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(sign_in)))
    return sign_in


def _file() -> Path:
    return Path(settings.BASE_DIR) / "var" / REMEMBERED
