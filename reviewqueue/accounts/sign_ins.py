"""Records who signed in and out, and who failed to; never a password, and never what an unknown person typed."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet

from reviewqueue.activity import log
from reviewqueue.kernel import clock
from reviewqueue.models import Event, User

# Somebody guessing passwords must not fill the log: so many failures are recorded per account, or per unknown name all
# together, within the time; the lockout answers the rest.
MAX_FAILURES = 5
FAILURE_WINDOW = timedelta(hours=1)
UNKNOWN_PERSON = "unknown"

SIGNED_IN, SIGNED_OUT, FAILED = "signed_in", "signed_out", "sign_in_failed"
VERBS = (SIGNED_IN, SIGNED_OUT, FAILED)


MAX_SHOWN = 10


def list_sign_ins(user: User) -> QuerySet[Event]:
    """The person's sign-ins, sign-outs and failed attempts, newest first; the caller slices them."""
    return log.events_about("user", user.username).filter(verb__in=VERBS).reverse()


def record_sign_in(user: User) -> None:
    _record(user, SIGNED_IN)


def record_sign_out(user: User) -> None:
    _record(user, SIGNED_OUT)


def record_failed_sign_in(username: str) -> None:
    """Record a failed attempt, unless there were too many lately."""
    # A NUL cannot be a name, and PostgreSQL rejects it.
    user = None if "\0" in username else User.objects.filter(username=username[:150]).first()
    about = ("user", user.username) if user else ("sign_in", UNKNOWN_PERSON)
    since = clock.current_time() - FAILURE_WINDOW
    recent = log.events_about(*about).filter(verb=FAILED, at__gt=since).reverse()
    if len(recent.values_list("pk", flat=True)[:MAX_FAILURES]) < MAX_FAILURES:
        log.record_event(actor=log.system_actor("sign-in"), verb=FAILED, object_type=about[0], object_id=about[1])


def _record(user: User, verb: str) -> None:
    log.record_event(actor=log.user_actor(user), verb=verb, object_type="user", object_id=user.username)
