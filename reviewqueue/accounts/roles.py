"""Who may do what: roles, memberships, and row getters that authorise before they return.

What a person may do follows from the role, where they may do it from the memberships. What is not theirs does
not exist for them: the getters raise NotFound, so an id cannot be probed. Administrators are members of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from reviewqueue.activity import log
from reviewqueue.kernel.errors import DomainError, NotFound
from reviewqueue.models import Membership, Queue, User
from reviewqueue.models.people import Role

REVIEW_SCOPE = "review"  # the scope that opens the desk's API
# What a key with one of these reads is what outputs say. Managers see none of it, so they make no such key: it
# would show them through a machine what their role hides from them.
CONTENT_SCOPES = frozenset({REVIEW_SCOPE, "labels:read"})

REVIEWER_ROLES = frozenset({Role.REVIEWER, Role.LEAD, Role.ADMIN})
LEAD_ROLES = frozenset({Role.LEAD, Role.ADMIN})
MANAGER_ROLES = frozenset({Role.MANAGER, Role.ADMIN})
REPORT_READER_ROLES = frozenset({Role.LEAD, Role.MANAGER, Role.AUDITOR, Role.ADMIN})
PEOPLE_READER_ROLES = frozenset({Role.MANAGER, Role.AUDITOR, Role.ADMIN})
ACTIVITY_READER_ROLES = frozenset({Role.AUDITOR, Role.ADMIN})


class Person(Protocol):
    """Somebody who is signed in, as code outside this package passes them on."""

    @property
    def pk(self) -> Any: ...

    @property
    def is_authenticated(self) -> bool: ...

    @property
    def is_active(self) -> bool: ...

    @property
    def role(self) -> str: ...

    @property
    def all_queues(self) -> bool: ...

    def get_username(self) -> str: ...


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """The settings of one queue; see `models.Queue` for the fields."""

    slug: str
    title: str
    question: str
    reserve_minutes: int
    error_types: Sequence[str]
    display: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class QueueMember:
    """One member of a queue; `role_name` is the role in the language of the reader."""

    username: str
    role: str
    role_name: str


class Forbidden(DomainError):
    """The caller is known and the thing exists for them, but their role or scopes don't allow this."""

    code = "forbidden"
    status = 403


class MissingScope(Forbidden):
    code = "missing_scope"


class NotAMember(Forbidden):
    """A key asked to act for somebody it cannot act for."""

    code = "not_a_member"


@dataclass(frozen=True, slots=True)
class Caller:
    """What a key may do, as it was when it was looked up: at most two seconds ago (see `keys`)."""

    key_id: int
    name: str
    scopes: frozenset[str]
    queues: frozenset[str]  # none means all
    acts_as: User | None = None

    @property
    def actor(self) -> str:
        """How events name it."""
        return log.key_actor(self.key_id)

    def allows_queue(self, queue: str) -> bool:
        return not self.queues or queue in self.queues


def may_review(user: Person) -> bool:
    return _has_role(user, REVIEWER_ROLES)


def may_lead(user: Person) -> bool:
    """Final say, and reopening what was settled."""
    return _has_role(user, LEAD_ROLES)


def may_manage(user: Person) -> bool:
    """Policies, stop and resume, people, keys."""
    return _has_role(user, MANAGER_ROLES)


def actor_may_manage(actor: str) -> bool:
    """Whether whoever an event names is a person who may manage now."""
    kind, _, username = actor.partition(":")
    person = User.objects.filter(username=username).first() if kind == "user" else None
    return person is not None and may_manage(person)


def may_see_content(user: Person) -> bool:
    """What an output says, outside the desk: managers and auditors see figures and decisions only."""
    return _has_role(user, LEAD_ROLES)


def may_see_reports(user: Person) -> bool:
    return _has_role(user, REPORT_READER_ROLES)


def may_see_people(user: Person) -> bool:
    """The lists of people and keys, without their verbs."""
    return _has_role(user, PEOPLE_READER_ROLES)


def may_see_activity(user: Person) -> bool:
    return _has_role(user, ACTIVITY_READER_ROLES)


def may_administer(user: Person) -> bool:
    return _has_role(user, frozenset({Role.ADMIN}))


def has_all_queues(user: Person) -> bool:
    return user.all_queues or may_administer(user)


def queues_for(user: Person) -> QuerySet[Queue]:
    """The queues that the person is a member of, by title; none once they are deactivated."""
    if not user.is_active:
        return Queue.objects.none()
    if has_all_queues(user):
        return Queue.objects.order_by("title", "slug")
    return Queue.objects.filter(memberships__user=user.pk).order_by("title", "slug")


def queue_for(user: Person, slug: str) -> Queue:
    """The queue, or NotFound when there is none or the person is no member of it."""
    queue = queues_for(user).filter(slug=slug).first()
    if queue is None:
        raise NotFound(gettext("There is no stream %(slug)r for you.") % {"slug": slug})
    return queue


def list_queues(user: Person) -> list[QueueFacts]:
    """The settings of the queues in `queues_for`, by title."""
    return [_build_facts(queue) for queue in queues_for(user)]


def get_queue(user: Person, slug: str) -> QueueFacts:
    """The settings of `queue_for`; NotFound as there."""
    return _build_facts(queue_for(user, slug))


def list_members(slug: str) -> list[QueueMember]:
    """The active people who are members of the queue, whatever their role, by username."""
    members = User.objects.filter(
        Q(memberships__queue__slug=slug) | Q(all_queues=True) | Q(role=Role.ADMIN), is_active=True
    )
    return [
        QueueMember(username=one.username, role=one.role, role_name=str(one.get_role_display()))
        for one in members.distinct().order_by("username")
    ]


def add_membership(*, slug: str, user: Person) -> None:
    """Make a person a member of a queue that they have just made; the caller knows that it is new."""
    queue = Queue.objects.get(slug=slug)
    _, joined = Membership.objects.get_or_create(user_id=user.pk, queue=queue)
    if joined:
        actor = log.user_actor(user)
        log.record_event(actor=actor, verb="joined", object_type="user", object_id=user.get_username(), queue=slug)


def require_scope(caller: Caller, scope: str, *, queue: str | None = None) -> None:
    """Refuse a key without the scope, and hide streams that it isn't bound to."""
    if scope not in caller.scopes:
        raise MissingScope(gettext("This key has no scope %(scope)r.") % {"scope": scope})
    if queue is not None and not caller.allows_queue(queue):
        raise NotFound(gettext("There is no stream %(queue)r for this key.") % {"queue": queue})


def resolve_reviewer(caller: Caller, username: str | None, queue: str) -> User:
    """The person whom a `review` key acts for in a queue; NotAMember when it may not.

    A key made `--as` a person acts for that person only, which is how a lead has the final say. Any other key
    acts for reviewers who are members, so it can never speak for a lead.
    """
    require_scope(caller, REVIEW_SCOPE, queue=queue)
    person = caller.acts_as
    if person is None:
        person = User.objects.filter(username=username or "", role=Role.REVIEWER, is_active=True).first()
    elif username not in {None, person.username}:
        raise NotAMember(gettext("This key acts for %(username)s only.") % {"username": person.username})
    if person is None or not may_review(person) or not queues_for(person).filter(slug=queue).exists():
        raise NotAMember(
            gettext("%(username)s is not a reviewer of %(queue)r whom this key may act for.")
            % {"username": username or gettext("Nobody"), "queue": queue}
        )
    return person


def _build_facts(queue: Queue) -> QueueFacts:
    return QueueFacts(
        slug=queue.slug,
        title=queue.title,
        question=queue.question,
        reserve_minutes=queue.reserve_minutes,
        error_types=queue.error_types,
        display=queue.display,
    )


def _has_role(user: Person, roles: frozenset[Role]) -> bool:
    return user.is_authenticated and user.is_active and user.role in roles
