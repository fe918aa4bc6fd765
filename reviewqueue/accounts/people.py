"""People: create accounts, change roles and streams, deactivate.

Nobody can grant more than they have: a manager grants streams that they are a member of, and `roles.ACCOUNT_POWERS`
says which roles. Nobody changes their own account, so an administrator always remains.

A password that somebody else generated has to be replaced at the first sign-in.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext

from reviewqueue.accounts import roles, sign_ins
from reviewqueue.accounts.roles import AccountAct, Forbidden
from reviewqueue.activity import log
from reviewqueue.kernel.errors import Invalid, NotFound
from reviewqueue.models import Event, Membership, Queue, User
from reviewqueue.models.people import Role


def create_person(
    *,
    username: str,
    role: str,
    by: User | None,
    queues: Iterable[str] = (),
    all_queues: bool = False,
    name: str = "",
    password: str | None = None,
) -> tuple[User, str]:
    """Create a person. Returns them and their password, generated if none is given. `by` is None on the command line.

    Raises Invalid for a wrong name, role, stream or password, and Forbidden for rights that `by` cannot grant.
    """
    wanted = _find_queues(queues)
    _check_role(role)
    _authorise_grant(by, role=role, queues=set(wanted), all_queues=all_queues)
    first, _, last = name.strip().partition(" ")
    user = User(username=username.strip(), role=role, all_queues=all_queues, first_name=first, last_name=last)
    user.is_staff, user.must_change_password = role == Role.ADMIN, password is None
    text = password or secrets.token_urlsafe(12)
    _set_password(user, text)
    with transaction.atomic():
        _insert_person(user)
        Membership.objects.bulk_create(Membership(user=user, queue=queue) for queue in wanted.values())
        log.record_event(
            actor=_actor(by), verb="created", object_type="user", object_id=user.username, after=_event_fields(user)
        )
    return user, text


def change_person(*, user_id: int, role: str, queues: Iterable[str], all_queues: bool, by: User) -> User:
    """Change a person's role and streams.

    What `by` could not grant stays unchanged: memberships in streams that `by` is not a member of, and `all_queues`
    unless `by` is a member of every queue. Raises Invalid, NotFound, Forbidden.
    """
    wanted = _find_queues(queues)
    _check_role(role)
    with transaction.atomic():
        user = _lock_person(user_id, by)
        before = _event_fields(user)
        theirs = set(_membership_slugs(user))
        given, taken = set(wanted) - theirs, (theirs - set(wanted)) & _queue_slugs(by)
        if not roles.has_all_queues(by):
            all_queues = user.all_queues
        if role != user.role or all_queues != user.all_queues:
            _authorise_account(by, user)
            _authorise_grant(by, role=role, queues=given, all_queues=all_queues and not user.all_queues)
        if taken:
            _authorise_removal(by, user)
        if given:
            _authorise_addition(by, role=role, queues=given)
        user.role, user.all_queues, user.is_staff = role, all_queues, role == Role.ADMIN
        user.save(update_fields=["role", "all_queues", "is_staff"])
        _update_memberships(user, wanted, taken=taken)
        _record_event(user, by, "changed", before=before, after=_event_fields(user))
    return user


def deactivate_person(*, user_id: int, by: User) -> None:
    """Deactivate an account: its sessions and the keys that act for it stop working at the next request; its
    decisions stay."""
    _set_active(user_id, by, active=False)


def reactivate_person(*, user_id: int, by: User) -> None:
    _set_active(user_id, by, active=True)


def reset_password(*, user_id: int, by: User) -> str:
    """Set and return a generated password for a person who lost theirs; their sessions end.

    It has to be replaced at the first sign-in, and the person is then told who generated it.
    """
    with transaction.atomic():
        user = _lock_person(user_id, by)
        _authorise_account(by, user, AccountAct.PASSWORD)
        password = secrets.token_urlsafe(12)
        user.set_password(password)
        user.must_change_password = True
        user.save(update_fields=["password", "must_change_password"])
        _record_event(user, by, "password_reset")
    return password


def change_password(*, user: User, password: str) -> None:
    """Set the password a person chose for themselves; their other sessions end.

    Raises Invalid for a weak one, and for one that somebody else generated and that stays the same.
    """
    if user.must_change_password and user.check_password(password):
        raise Invalid(gettext("Choose a password of your own: somebody else has seen this one."))
    _set_password(user, password)
    user.must_change_password = False
    with transaction.atomic():
        user.save(update_fields=["password", "must_change_password"])
        _record_event(user, user, "password_changed")


def people_visible_to(by: User) -> QuerySet[User]:
    """The people a person may see: everybody for a member of every queue, otherwise those who share a queue."""
    if not roles.may_see_people(by):
        return User.objects.none()
    people = User.objects.prefetch_related("memberships__queue").order_by("username")
    if roles.has_all_queues(by):
        return people
    return people.filter(memberships__queue__in=roles.queues_for(by)).distinct()


def person_for(by: User, username: str) -> User:
    """The person with this username. Raises NotFound when there is none that `by` may see."""
    user = people_visible_to(by).filter(username=username).first()
    if user is None:
        raise NotFound(gettext("Unknown user %(username)r.") % {"username": username})
    return user


def changeable_person_for(by: User, username: str, act: AccountAct = AccountAct.CHANGE) -> User:
    """The person, if `by` may do this to the account. Raises NotFound and Forbidden."""
    user = person_for(by, username)
    _refuse_own_account(by, user)
    _authorise_account(by, user, act)
    return user


def list_account_events(user: User) -> QuerySet[Event]:
    """What was done to an account, newest first, without sign-ins; the caller slices them."""
    return log.events_about("user", user.username).exclude(verb__in=sign_ins.VERBS).reverse()


def find_password_giver(user: User) -> str:
    """The person who generated the password to be replaced, by username; empty for the command line."""
    given = log.events_about("user", user.username).filter(verb__in=["created", "password_reset"]).last()
    kind, _colon, name = (given.actor if given and user.must_change_password else "").partition(":")
    return name if kind == "user" else ""


def grantable_roles(by: User) -> list[Role]:
    return [role for role in Role if roles.may_act_on_account(by, AccountAct.GRANT, role)]


def may_change_account(by: User, user: User, act: AccountAct = AccountAct.CHANGE) -> bool:
    """Whether `by` may change the role of `user` or deactivate the account, or (by `act`) replace the password.

    Besides the roles of both, a manager needs that the person works only in the manager's streams.
    """
    if user.pk == by.pk or not roles.may_act_on_account(by, act, user.role):
        return False
    return roles.has_all_queues(by) or (not user.all_queues and _queue_slugs(by).issuperset(_membership_slugs(user)))


def _set_active(user_id: int, by: User, *, active: bool) -> None:
    with transaction.atomic():
        user = _lock_person(user_id, by)
        _authorise_account(by, user)
        if user.is_active == active:
            return
        user.is_active = active
        user.save(update_fields=["is_active"])
        _record_event(user, by, "reactivated" if active else "deactivated")


def _lock_person(user_id: int, by: User) -> User:
    """The person's locked row. Raises Forbidden unless `by` manages people, NotFound when they may not see this one."""
    if not roles.may_manage(by):
        raise Forbidden(gettext("Only managers and administrators can manage accounts."))
    visible = people_visible_to(by).order_by().values("pk")
    user = User.objects.select_for_update().filter(pk=user_id, pk__in=visible).first()
    if user is None:
        raise NotFound(gettext("This person does not exist."))
    _refuse_own_account(by, user)
    return user


def _refuse_own_account(by: User, user: User) -> None:
    if user.pk == by.pk:
        raise Forbidden(gettext("You cannot change your own account here. Ask another administrator."))


def _authorise_account(by: User, user: User, act: AccountAct = AccountAct.CHANGE) -> None:
    if not may_change_account(by, user, act):
        raise Forbidden(
            gettext("Only an administrator can change the account of %(username)s.") % {"username": user.username}
        )


def _authorise_removal(by: User, user: User) -> None:
    """Let managers remove neither managers nor those who watch them.

    Otherwise the person who requests a looser policy could remove the one who has to approve it, or sees it.
    """
    if not roles.may_act_on_account(by, AccountAct.CHANGE, user.role):
        raise Forbidden(
            gettext("Only an administrator can remove %(username)s from a stream.") % {"username": user.username}
        )


def _authorise_grant(by: User | None, *, role: str, queues: set[str], all_queues: bool) -> None:
    if by is None or roles.may_administer(by):
        return
    if not roles.may_manage(by):
        raise Forbidden(gettext("Only managers and administrators can manage accounts."))
    if not roles.may_act_on_account(by, AccountAct.GRANT, role):
        raise Forbidden(
            gettext("Only an administrator can make somebody %(role)s.") % {"role": str(Role(role).label).lower()}
        )
    if (all_queues and not by.all_queues) or not _queue_slugs(by).issuperset(queues):
        raise Forbidden(gettext("You can only assign streams that you are a member of."))


def _authorise_addition(by: User, *, role: str, queues: set[str]) -> None:
    if not roles.may_act_on_account(by, AccountAct.ADD, role):
        raise Forbidden(gettext("Only an administrator can add managers and administrators to a stream."))
    if not _queue_slugs(by).issuperset(queues):
        raise Forbidden(gettext("You can only assign streams that you are a member of."))


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise Invalid(
            gettext("Unknown role %(role)r. Choose from %(known)s.") % {"role": role, "known": ", ".join(Role.values)}
        )


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from None
    user.set_password(password)


def _insert_person(user: User) -> None:
    """Save a new person; the unique constraint on the username prevents two at once. Raises Invalid."""
    if user.username in {".", ".."}:
        raise Invalid(gettext("The username must not be `.` or `..`, which no address can end in."))
    try:
        user.full_clean(validate_unique=False, validate_constraints=False)
        with transaction.atomic():
            user.save(force_insert=True)
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from None
    except IntegrityError:
        raise Invalid(gettext("The username %(username)r is already taken.") % {"username": user.username}) from None


def _find_queues(slugs: Iterable[str]) -> dict[str, Queue]:
    wanted = sorted(set(slugs))
    found = {queue.slug: queue for queue in Queue.objects.filter(slug__in=wanted)}
    missing = [slug for slug in wanted if slug not in found]
    if missing:
        raise Invalid(gettext("Unknown stream %(slug)r.") % {"slug": missing[0]})
    return found


def _update_memberships(user: User, wanted: dict[str, Queue], *, taken: set[str]) -> None:
    Membership.objects.filter(user=user, queue__slug__in=taken).delete()
    Membership.objects.bulk_create(
        (Membership(user=user, queue=queue) for queue in wanted.values()), ignore_conflicts=True
    )


def _queue_slugs(user: User) -> set[str]:
    return set(roles.queues_for(user).values_list("slug", flat=True))


def _membership_slugs(user: User) -> list[str]:
    return sorted(Queue.objects.filter(memberships__user=user).values_list("slug", flat=True))


def _event_fields(user: User) -> dict[str, object]:
    return {"role": user.role, "all_queues": user.all_queues, "queues": _membership_slugs(user)}


def _record_event(
    user: User,
    by: User,
    verb: str,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    log.record_event(
        actor=_actor(by),
        verb=verb,
        object_type="user",
        object_id=user.username,
        before=before,
        after=after,
    )


def _actor(by: User | None) -> str:
    return log.system_actor("command") if by is None else log.user_actor(by)
