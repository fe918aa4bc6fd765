"""Acts that take two people: the one check that there are two.

Each person is checked again at the moment the act takes effect, under a lock on their accounts: a request made by
somebody who has since left, or lost the role or the stream, no longer counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from reviewqueue.accounts import roles
from reviewqueue.kernel.errors import DomainError
from reviewqueue.models import User

# A request to resume that nobody confirmed within this time has to be made again: the situation has changed since.
RESUME_REQUEST_LIFETIME = timedelta(hours=24)


class SecondPersonNeeded(DomainError):
    code = "second_person_needed"


class SamePerson(DomainError):
    code = "same_person"


def require_two_managers(*, asked_by: str, confirmed_by: str, slug: str | None) -> None:
    """Raise unless these actors are two different people who may manage the stream now (None: all streams).

    Call it in the transaction of the act: it locks both accounts, so that closing one of them waits for the act or
    prevents it. Raises SamePerson and SecondPersonNeeded.
    """
    if asked_by == confirmed_by:
        raise SamePerson(_("You cannot approve your own request. Ask another manager to approve it."))
    names = [_username(actor) for actor in (asked_by, confirmed_by)]
    found = User.objects.select_for_update(no_key=True).filter(username__in=names).order_by("pk")
    people = {person.username: person for person in found}
    for actor, name in zip((asked_by, confirmed_by), names, strict=True):
        if name not in people or not _may_manage_stream(people[name], slug):
            raise SecondPersonNeeded(
                _("This takes two active managers of the stream, and %(actor)s is not one.") % {"actor": name or actor}
            )


def may_stand(actor: str, *, slug: str | None) -> bool:
    """Whether a request by this actor counts: they are an active manager of the stream (None: of all streams)."""
    person = User.objects.filter(username=_username(actor)).first()
    return person is not None and _may_manage_stream(person, slug)


def has_lapsed(asked_at: datetime | None, *, now: datetime) -> bool:
    """Whether a request to resume is too old to be confirmed."""
    return asked_at is None or asked_at <= now - RESUME_REQUEST_LIFETIME


def _username(actor: str) -> str:
    """The username of an event's actor; empty for keys and the system, which are nobody's second person."""
    kind, _colon, name = actor.partition(":")
    return name if kind == "user" else ""


def _may_manage_stream(person: User, slug: str | None) -> bool:
    if not roles.may_manage(person):
        return False
    return roles.has_all_queues(person) if slug is None else roles.queues_for(person).filter(slug=slug).exists()
