"""Pass an item on to other reviewers; when nobody is left who could take it, a lead is asked."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from reviewqueue.activity import log
from reviewqueue.answers import text
from reviewqueue.kernel import sql
from reviewqueue.kernel.errors import DomainError
from reviewqueue.models import Pass, User
from reviewqueue.queue import claim_queries, slots
from reviewqueue.queue.claim import release_slot
from reviewqueue.queue.lease import ClaimId, Lease, lead_roles, lock_lease, require_live_lease, taker_roles


class NobodyLeft(DomainError):
    """The last person who could have the final say cannot pass it on."""

    code = "nobody_left"


def pass_item(*, claim_id: str, user: User, reason: str = "", now: datetime | None = None) -> None:
    """Release the slot for other reviewers; the item is not offered to this person again in this round.

    If everybody who could take it has passed it, a lead is asked for the final say, also one who has passed it before.
    A repeated call does nothing. Raises as `claim.get_claim` does, Invalid for a reason that is too long, and
    NobodyLeft for a final say that nobody else can have.
    """
    text.check_text("/reason", reason, max_characters=text.MAX_REASON_CHARACTERS)
    number = ClaimId.parse(claim_id)
    with transaction.atomic():
        lease = lock_lease(number, user=user, now=now)
        passed = Pass.objects.filter(item_id=lease.item_id, round=lease.round, user=user)
        if lease.holder_id != user.pk and passed.exists():
            return  # a repeated request: the first one passed the item, but its response was lost
        require_live_lease(lease, number, user=user)
        release_slot(lease)
        Pass.objects.update_or_create(
            item_id=lease.item_id,
            round=lease.round,
            user=user,
            defaults={"final_say": lease.final_say},
            create_defaults={"final_say": lease.final_say, "reason": reason, "at": lease.now},
        )
        after = {"claim": claim_id, "reason": reason}
        actor, item = log.user_actor(user), lease.item_id
        log.record_event(
            actor=actor, verb="passed", object_type="item", object_id=item, queue=lease.slug, after=after, at=now
        )
        _find_next_taker(lease, now)


def _find_next_taker(lease: Lease, now: datetime | None) -> None:
    """Ask a lead unless somebody is left who could take the item."""
    parameters = {"item": lease.item_id, "round": lease.round, "queue": lease.queue_id, "final": lease.final_say}
    left = sql.fetch_row(
        claim_queries.SELECT_TAKERS_LEFT, parameters | {"takers": taker_roles(), "leads": lead_roles()}
    )
    assert left is not None
    if lease.final_say and not left["leads"]:
        raise NobodyLeft(_("Nobody else can have the final say. Decide the item, or say that it can’t be judged."))  # noqa: RUF001 - an apostrophe
    if lease.final_say or left["takers"] or left["asked"]:
        return
    slots.add_final_slots([lease.item_id])
    actor, after = log.system_actor("pass"), {"reason": "passed_by_all"}
    log.record_event(
        actor=actor,
        verb="asked_lead",
        object_type="item",
        object_id=lease.item_id,
        queue=lease.slug,
        after=after,
        at=now,
    )
