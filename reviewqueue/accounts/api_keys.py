"""API keys: 256 random bits, shown once, stored as SHA-256, scoped, bound to streams, expiring."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewqueue.accounts import roles
from reviewqueue.accounts.roles import Caller, Forbidden
from reviewqueue.activity import log
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import DomainError, Invalid, NotFound
from reviewqueue.models import ApiKey, Queue, User

KEY_PREFIX = "rq_"
ROTATION_GRACE = timedelta(hours=24)
DISPLAYED_CHARACTERS = 12  # characters of a key in lists

# One lookup per key and process every two seconds instead of one per request: a producer posts hundreds of times
# a second with the same key. The price: a revoked key works up to two seconds longer in other processes. A longer
# time would make "revoked at once" untrue; a shorter one costs lookups exactly where requests are dense.
CACHE_SECONDS = 2.0
_MAX_CACHED_KEYS = 1024
_cache: dict[bytes, tuple[float, Caller]] = {}

_LAST_USED_INTERVAL = timedelta(minutes=1)


class KeyAlreadyRevoked(DomainError):
    code = "key_revoked"


def create_key(
    *,
    name: str,
    scopes: Iterable[str],
    queues: Iterable[str] = (),
    acts_as: User | None = None,
    by: User | None,
    days: int | None = None,
    now: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Create a key. Returns its row and its text, which cannot be shown again. `by` is None on the command line.

    Raises Invalid for a wrong name, scope, stream, person or lifetime, and Forbidden for rights `by` cannot grant.
    """
    wanted, bound = sorted(set(scopes)), sorted(set(queues))
    _check_key(name=name, scopes=wanted, queues=bound, acts_as=acts_as, days=days)
    _authorise(by, wanted, bound, acts_as)
    expires_at = None if days is None else clock.current_time(now) + timedelta(days=days)
    with transaction.atomic():
        key, text = _insert_key(
            ApiKey(name=name, scopes=wanted, queues=bound, acts_as=acts_as, created_by=by, expires_at=expires_at)
        )
        log.record_event(
            actor=_actor(by), verb="created", object_type="key", object_id=key.pk, after=_event_fields(key)
        )
    return key, text


def rotate_key(*, key_id: int, by: User | None, now: datetime | None = None) -> tuple[ApiKey, str]:
    """Create a successor with the same rights; the old key keeps working for a day, so that nothing stops.

    Raises NotFound, Forbidden, and KeyAlreadyRevoked for a key that was revoked or replaced.
    """
    with transaction.atomic():
        old = _lock_key(key_id, by)
        _check_replaceable(old)
        moment = clock.current_time(now)
        key, text = _insert_key(
            ApiKey(
                name=old.name,
                scopes=old.scopes,
                queues=old.queues,
                acts_as=old.acts_as,
                created_by=by,
                expires_at=_renewed_expiry(old, moment),
            )
        )
        old.replaced_by = key
        old.expires_at = min(old.expires_at or moment + ROTATION_GRACE, moment + ROTATION_GRACE)
        old.save(update_fields=["replaced_by", "expires_at"])
        _record_event(old, by, "rotated", {"replaced_by": key.pk, "expires_at": old.expires_at.isoformat()})
    return key, text


def revoke_key(*, key_id: int, by: User | None, now: datetime | None = None) -> None:
    """Revoke a key: at once in this process, within `CACHE_SECONDS` in every other."""
    with transaction.atomic():
        key = _lock_key(key_id, by)
        key.revoked_at = clock.current_time(now)
        key.save(update_fields=["revoked_at"])
        _record_event(key, by, "revoked", {"revoked_at": key.revoked_at.isoformat()})
        transaction.on_commit(lambda: _forget(bytes(key.digest)))


def keys_visible_to(user: User) -> QuerySet[ApiKey]:
    """The keys a person may see: all of them for a member of every queue, otherwise those bound only to their queues.

    None for a person who may not see people.
    """
    if not roles.may_see_people(user):
        return ApiKey.objects.none()
    keys = ApiKey.objects.select_related("acts_as", "created_by").order_by("-id")
    if roles.has_all_queues(user):
        return keys
    mine = list(roles.queues_for(user).values_list("slug", flat=True))
    return keys.filter(queues__contained_by=mine).exclude(queues=[])


def key_for(user: User, key_id: int) -> ApiKey:
    """The key; raises NotFound when there is none that the person may see, and KeyAlreadyRevoked."""
    key = keys_visible_to(user).filter(pk=key_id).first()
    if key is None:
        raise NotFound(_("This API key does not exist."))
    if key.revoked_at is not None:
        raise KeyAlreadyRevoked(_("This API key has already been revoked."))
    return key


def replaceable_key_for(user: User, key_id: int) -> ApiKey:
    """The key, if the person may replace it; raises what `rotate_key` would raise."""
    key = changeable_key_for(user, key_id)
    _check_replaceable(key)
    return key


def changeable_key_for(user: User, key_id: int) -> ApiKey:
    """The key, if the person may revoke it; raises what `revoke_key` would raise."""
    key = key_for(user, key_id)
    _authorise(user, key.scopes, key.queues, key.acts_as)
    return key


def has_usable_key(queue: str, scope: str) -> bool:
    """Whether some key can use this scope in this queue now."""
    keys = ApiKey.objects.usable().filter(scopes__contains=[scope])
    return keys.filter(Q(queues=[]) | Q(queues__contains=[queue])).exists()


def authenticate_key(text: str) -> Caller | None:
    """The caller that a key's text identifies, or None when no usable key matches.

    No query when the key was seen in the last two seconds, otherwise one, plus one a minute to record its use.
    """
    digest = _digest(text)
    known = _cache.get(digest)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    key = ApiKey.objects.usable().select_related("acts_as").filter(digest=digest).first()
    if key is None or not (key.acts_as is None or key.acts_as.is_active):
        return None
    caller = Caller(
        key_id=key.pk,
        name=key.name,
        scopes=frozenset(key.scopes),
        queues=frozenset(key.queues),
        acts_as=key.acts_as,
    )
    _record_use(key)
    _cache_caller(digest, caller)
    return caller


def _check_key(*, name: str, scopes: list[str], queues: list[str], acts_as: User | None, days: int | None) -> None:
    if not name.strip() or len(name) > 100:
        raise Invalid(_("Give the API key a name of 1 to 100 characters."))
    if not scopes:
        raise Invalid(_("Give the API key at least one scope."))
    unknown = [scope for scope in scopes if scope not in settings.API_SCOPES]
    if unknown:
        raise Invalid(
            _("Unknown scope %(unknown)r. Choose from %(known)s.")
            % {"unknown": unknown[0], "known": ", ".join(settings.API_SCOPES)}
        )
    known = set(Queue.objects.filter(slug__in=queues).values_list("slug", flat=True))
    missing = [slug for slug in queues if slug not in known]
    if missing:
        raise Invalid(_("Unknown stream %(slug)r.") % {"slug": missing[0]})
    if acts_as is not None and not roles.may_review(acts_as):
        raise Invalid(
            _("%(username)s is not a reviewer, so an API key cannot act for them.") % {"username": acts_as.username}
        )
    if days is not None and not 1 <= days <= 3650:
        raise Invalid(_("An API key must expire after 1 to 3650 days."))


def _authorise(by: User | None, scopes: list[str], queues: list[str], acts_as: User | None) -> None:
    """Stop managers from creating keys with more access than they have: scopes that show content, other streams."""
    if by is None or roles.may_administer(by):
        return
    if not roles.may_manage(by):
        raise Forbidden(_("Only managers and administrators can manage API keys."))
    if acts_as is not None or not roles.CONTENT_SCOPES.isdisjoint(scopes):
        raise Forbidden(_("Only an administrator can manage an API key that reviews or reads labelled data."))
    if roles.has_all_queues(by):
        return
    mine = set(roles.queues_for(by).values_list("slug", flat=True))
    if not queues or not mine.issuperset(queues):
        raise Forbidden(_("Bind the API key to streams that you are a member of."))


def _lock_key(key_id: int, by: User | None) -> ApiKey:
    """The key's locked row. Raises NotFound when the person may not see it, Forbidden when they may not change it."""
    keys = ApiKey.objects.select_for_update(of=("self",))
    if by is not None:
        keys = keys.filter(pk__in=keys_visible_to(by).order_by().values("pk"))
    key = keys.select_related("acts_as").filter(pk=key_id).first()
    if key is None:
        raise NotFound(_("This API key does not exist."))
    _authorise(by, key.scopes, key.queues, key.acts_as)
    if key.revoked_at is not None:
        raise KeyAlreadyRevoked(_("This API key has already been revoked."))
    return key


def _check_replaceable(key: ApiKey) -> None:
    if key.replaced_by_id is not None:
        raise KeyAlreadyRevoked(_("This API key has already been replaced."))


def _insert_key(key: ApiKey) -> tuple[ApiKey, str]:
    text = KEY_PREFIX + secrets.token_urlsafe(32)
    key.prefix, key.digest = text[:DISPLAYED_CHARACTERS], _digest(text)
    key.save(force_insert=True)
    return key, text


def _renewed_expiry(old: ApiKey, moment: datetime) -> datetime | None:
    """The successor gets the same lifetime, from now: a key made for 90 days is followed by one for 90 days."""
    return None if old.expires_at is None else moment + (old.expires_at - old.created_at)


def _record_use(key: ApiKey) -> None:
    """Update `last_used_at` at most once a minute: our clock decides whether to try, the row whether to write."""
    if key.last_used_at is not None and timezone.now() - key.last_used_at < _LAST_USED_INTERVAL:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=Now() - _LAST_USED_INTERVAL)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=Now())


def _cache_caller(digest: bytes, caller: Caller) -> None:
    if len(_cache) >= _MAX_CACHED_KEYS:
        _cache.clear()  # far more keys than any installation has; the next lookups refill it
    _cache[digest] = (time.monotonic() + CACHE_SECONDS, caller)


def _forget(digest: bytes) -> None:
    _cache.pop(digest, None)


def _digest(text: str) -> bytes:
    """Unsalted on purpose: 256 random bits cannot be guessed, and the digest is looked up by index."""
    return hashlib.sha256(text.encode()).digest()


def _event_fields(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "scopes": key.scopes,
        "queues": key.queues,
        "acts_as": key.acts_as.username if key.acts_as else None,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    }


def _record_event(key: ApiKey, by: User | None, verb: str, after: dict[str, object]) -> None:
    log.record_event(actor=_actor(by), verb=verb, object_type="key", object_id=key.pk, after=after)


def _actor(by: User | None) -> str:
    return log.system_actor("command") if by is None else log.user_actor(by)
