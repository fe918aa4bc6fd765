"""Permissions: roles, memberships, and getters that authorise before they return a row.

A person's role says what they may do, their memberships say where. What they may not access does not exist for
them: getters raise NotFound, so ids cannot be probed. Administrators are members of every queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from reviewqueue.activity import log
from reviewqueue.kernel.errors import DomainError, NotFound
from reviewqueue.models import Membership, Queue, User
from reviewqueue.models.people import Role

REVIEW_SCOPE = "review"  # access to the review API
# Scopes that expose the content of outputs. Managers may not see content, so they may not create such keys either.
# A key with no other scopes can read nothing that tells the AI's answer before the review API shows it.
BLIND_SCOPES = frozenset({REVIEW_SCOPE})
CONTENT_SCOPES = frozenset({REVIEW_SCOPE, "labels:read"})

REVIEWER_ROLES = frozenset({Role.REVIEWER, Role.LEAD, Role.ADMIN})
LEAD_ROLES = frozenset({Role.LEAD, Role.ADMIN})
MANAGER_ROLES = frozenset({Role.MANAGER, Role.ADMIN})
REPORT_READER_ROLES = frozenset({Role.LEAD, Role.MANAGER, Role.AUDITOR, Role.ADMIN})
PEOPLE_READER_ROLES = frozenset({Role.MANAGER, Role.AUDITOR, Role.ADMIN})
ACTIVITY_READER_ROLES = frozenset({Role.AUDITOR, Role.ADMIN})


class AccountAct(StrEnum):
    """What one person may do with the account of another."""

    GRANT = "grant"  # create an account with this role, or change one to it
    ADD = "add"  # make an account of this role a member of one's own streams
    CHANGE = "change"  # change an account of this role: its role, its streams, whether it is open
    PASSWORD = "password"  # replace the password of an account of this role  # noqa: S105 - a verb


# Who may change whom. A role that is not listed may change nobody, and nobody changes their own account.
#
# Managers loosen a policy in twos, so none can create the second one. Auditors and administrators watch managers, so
# these can neither close nor restrict them. Leads see content and managers do not, so a manager can neither make a lead
# nor sign in as one.
ACCOUNT_POWERS: Mapping[str, Mapping[AccountAct, frozenset[Role]]] = {
    Role.ADMIN: dict.fromkeys(AccountAct, frozenset(Role)),
    Role.MANAGER: {
        AccountAct.GRANT: frozenset({Role.REVIEWER}),
        AccountAct.ADD: frozenset({Role.REVIEWER, Role.LEAD, Role.AUDITOR}),
        AccountAct.CHANGE: frozenset({Role.REVIEWER, Role.LEAD}),
        AccountAct.PASSWORD: frozenset({Role.REVIEWER}),
    },
}


class Person(Protocol):
    """The signed-in user, as code outside this package passes them on."""

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
    """The caller may know that the object exists, but their role or scopes don't allow this."""

    code = "forbidden"
    status = 403


class MissingScope(Forbidden):
    code = "missing_scope"


class NotAMember(Forbidden):
    """The caller, or the person a key acts for, is not a member of the queue or not a reviewer."""

    code = "not_a_member"


@dataclass(frozen=True, slots=True)
class Caller:
    """What a key may do, as looked up at most two seconds ago (see `api_keys`)."""

    key_id: int
    name: str
    scopes: frozenset[str]
    queues: frozenset[str]  # empty means all
    acts_as: User | None = None

    @property
    def actor(self) -> str:
        """The key's name in events."""
        return log.key_actor(self.key_id)

    def allows_queue(self, queue: str) -> bool:
        return not self.queues or queue in self.queues


def may_review(user: Person) -> bool:
    return _has_role(user, REVIEWER_ROLES)


def may_lead(user: Person) -> bool:
    """Whether the person may have the final say and reopen settled items."""
    return _has_role(user, LEAD_ROLES)


def may_manage(user: Person) -> bool:
    """Whether the person may manage policies, stop and resume streams, and manage people and API keys."""
    return _has_role(user, MANAGER_ROLES)


def may_act_on_account(by: Person, act: AccountAct, role: str) -> bool:
    """Whether `by` may do this with accounts of this role, by their own role alone (see `ACCOUNT_POWERS`)."""
    return may_manage(by) and role in ACCOUNT_POWERS.get(by.role, {}).get(act, frozenset())


def may_see_content(user: Person) -> bool:
    """Whether the person may see the content of outputs outside the desk. Managers and auditors see only figures and
    decisions."""
    return _has_role(user, LEAD_ROLES)


def may_see_reports(user: Person) -> bool:
    return _has_role(user, REPORT_READER_ROLES)


def may_see_people(user: Person) -> bool:
    """Whether the person may see the lists of people and API keys; changing them takes more."""
    return _has_role(user, PEOPLE_READER_ROLES)


def may_see_activity(user: Person) -> bool:
    return _has_role(user, ACTIVITY_READER_ROLES)


def may_administer(user: Person) -> bool:
    return _has_role(user, frozenset({Role.ADMIN}))


def has_all_queues(user: Person) -> bool:
    return user.all_queues or may_administer(user)


def queues_for(user: Person) -> QuerySet[Queue]:
    """The queues the person is a member of, ordered by title; none once they are deactivated."""
    if not user.is_active:
        return Queue.objects.none()
    if has_all_queues(user):
        return Queue.objects.order_by("title", "slug")
    return Queue.objects.filter(memberships__user=user.pk).order_by("title", "slug")


def queue_for(user: Person, slug: str) -> Queue:
    """The queue with this slug. Raises NotFound when there is none or the person is not a member of it."""
    queue = queues_for(user).filter(slug=slug).first()
    if queue is None:
        raise NotFound(gettext("There is no stream %(slug)r that you have access to.") % {"slug": slug})
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
    """Make a person a member of a queue they have just created; the caller must know that it is new."""
    queue = Queue.objects.get(slug=slug)
    _, joined = Membership.objects.get_or_create(user_id=user.pk, queue=queue)
    if joined:
        actor = log.user_actor(user)
        log.record_event(actor=actor, verb="joined", object_type="user", object_id=user.get_username(), queue=slug)


def require_scope(caller: Caller, scope: str, *, queue: str | None = None) -> None:
    """Raise MissingScope for a key without the scope, NotFound for a queue that it isn't bound to."""
    if scope not in caller.scopes:
        raise MissingScope(gettext("This API key lacks the scope %(scope)r.") % {"scope": scope})
    if queue is not None and not caller.allows_queue(queue):
        raise NotFound(gettext("There is no stream %(queue)r that this API key has access to.") % {"queue": queue})


def resolve_reviewer(caller: Caller, username: str | None, queue: str) -> User:
    """The person a `review` key acts for in a queue. Raises NotAMember when it may not act for them.

    A key created with `--as` acts only for that person, which is how a lead has the final say. Any other key
    acts for reviewers who are members of the queue, so never for a lead.
    """
    require_scope(caller, REVIEW_SCOPE, queue=queue)
    person = caller.acts_as
    if person is None:
        person = User.objects.filter(username=username or "", role=Role.REVIEWER, is_active=True).first()
    elif username not in {None, person.username}:
        raise NotAMember(gettext("This API key can only act for %(username)s.") % {"username": person.username})
    if person is None and not username:
        raise NotAMember(gettext("Set `reviewer` to the username of the reviewer that this API key acts for."))
    if person is None or not may_review(person) or not queues_for(person).filter(slug=queue).exists():
        raise NotAMember(
            gettext("This API key cannot act for %(username)s, who is not an active reviewer of the stream %(queue)r.")
            % {"username": username or (person.username if person else ""), "queue": queue}
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
