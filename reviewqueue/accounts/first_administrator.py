"""The first account of a new installation: an administrator, created with a token that only its operator has."""

from __future__ import annotations

import hmac

from django.db import transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext

from reviewqueue.accounts import people, queries
from reviewqueue.accounts.roles import Forbidden
from reviewqueue.kernel import sql
from reviewqueue.kernel.errors import DomainError
from reviewqueue.models import User
from reviewqueue.models.people import Role

SETUP_LOCK_ID = 0x53_45_54_55_50


class AlreadySetUp(DomainError):
    """There are accounts already, so nobody can claim the installation any more."""

    code = "already_set_up"


def is_missing() -> bool:
    """Whether there is no account at all yet."""
    return not User.objects.exists()


def get_setup_token() -> str:
    """The token of the setup link: derived from SECRET_KEY, so only the operator can know it, and worthless later."""
    return salted_hmac("reviewqueue.accounts.first_administrator", "setup", algorithm="sha256").hexdigest()[:40]


def is_setup_token(token: str) -> bool:
    return hmac.compare_digest(token.encode(), get_setup_token().encode())


def create_first_administrator(*, token: str, username: str, name: str, password: str) -> User:
    """Create the first account, an administrator of all streams.

    Raises Forbidden for a wrong token, AlreadySetUp if there is an account, Invalid for a wrong name or password.
    """
    if not is_setup_token(token):
        raise Forbidden(gettext("This setup link is not valid."))
    with transaction.atomic():
        # Two people with the link at once: the second one waits here, and then finds the first one's account.
        sql.run_statement(queries.LOCK_SETUP, [SETUP_LOCK_ID])
        if not is_missing():
            raise AlreadySetUp(gettext("This installation already has accounts. Sign in instead."))
        user, _ = people.create_person(
            username=username, role=Role.ADMIN, by=None, all_queues=True, name=name, password=password
        )
    return user
