"""What a person has filled in and not sent: kept for 20 hours, and given back to nobody but them.

A draft knows how much its writer could see. What was written with the proposal in sight never comes back into a
form that hides it, be it the same item asked again in a later round; and what was written before the proposal was
in sight never becomes an answer after it: only the remarks go along.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import transaction
from django.utils.translation import gettext as _

from reviewqueue.accounts import roles
from reviewqueue.answers import schema
from reviewqueue.kernel import clock, locale_format, sql
from reviewqueue.kernel.errors import Invalid
from reviewqueue.models import Draft, Item, User
from reviewqueue.queue.claim_view import Claim
from reviewqueue.queue.lease import EVER_HELD, ClaimId, ClaimLost, ItemWithdrawn, Lease, lock_lease, not_reserved_error
from reviewqueue.verdicts import validation

DRAFT_LIFETIME = timedelta(hours=20)
MAX_DRAFT_BYTES = 200_000
# What is said beside an answer, and so goes along from one stage to the next.

# open: with the proposal in sight. first: before it is. keep: after it was shown.
type DraftStage = Literal["open", "first", "keep"]
type DraftFields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """A draft as it may be put into a form, and when it was written, as the page dated it by the server's clock."""

    fields: DraftFields
    saved_at: datetime

    def remarks(self) -> dict[str, str]:
        """What is said beside the answer."""
        return {name: self.fields[name][0] for name in validation.REMARK_FIELDS if self.fields.get(name)}


_SELECT_CLAIM_STATE = f"""
SELECT {EVER_HELD} AS held,
    EXISTS (SELECT FROM reviewqueue_verdict v WHERE v.slot_id = s.id AND v.claim = %(number)s)
        OR EXISTS (SELECT FROM reviewqueue_verdict v
            WHERE v.item_id = s.item_id AND v.round = s.round AND v.user_id = %(user)s AND v.undone_at IS NULL)
        AS decided,
    EXISTS (SELECT FROM reviewqueue_firstanswer f WHERE f.slot_id = s.id AND f.claim = %(number)s) AS revealed
FROM reviewqueue_slot s WHERE s.id = %(slot)s
"""  # noqa: S608 - put together from constants, not from input
# A draft that took long to arrive does not replace a newer one from another browser.
_UPSERT_DRAFT = """
INSERT INTO reviewqueue_draft AS d (item_id, user_id, fields, saved_at)
VALUES (%(item)s, %(user)s, %(fields)s, %(at)s)
ON CONFLICT (item_id, user_id) DO UPDATE SET fields = excluded.fields, saved_at = excluded.saved_at
WHERE d.saved_at <= excluded.saved_at
"""

_SELECT_DRAFT = """
SELECT fields, saved_at FROM reviewqueue_draft
WHERE item_id = %(item)s AND user_id = %(user)s
  AND saved_at > COALESCE(%(now)s::timestamptz, clock_timestamp()) - %(kept_for)s
"""


def save_draft(
    *, claim_id: str, user: User, fields: DraftFields, at: datetime | None = None, now: datetime | None = None
) -> None:
    """Keep what a person filled in for an item that they hold or held; `at` is when they wrote it, if not just now.

    Raises Invalid for what is too long or cannot be stored, NotFound for an item that was never theirs, NotAMember,
    ItemWithdrawn, and ClaimLost once they have decided it, by whichever claim: a draft that comes after the verdict
    is none.
    """
    _check_fields(fields)
    claim = ClaimId.parse(claim_id)
    with transaction.atomic():
        lease = lock_lease(claim, user=user, now=now)
        stage = _require_stage(lease, claim, user)
        written = min(max(at or lease.now, lease.now - DRAFT_LIFETIME), lease.now)
        content = json.dumps({"stage": stage, "fields": {name: list(values) for name, values in fields.items()}})
        sql.run_statement(_UPSERT_DRAFT, {"item": lease.item_id, "user": user.pk, "fields": content, "at": written})


def load_draft(claim: Claim, *, user: User, now: datetime | None = None) -> SavedDraft | None:
    """What of the person's draft may stand in the form of this claim; None when there is nothing."""
    parameters = {"item": claim.item.id, "user": user.pk, "now": now, "kept_for": DRAFT_LIFETIME}
    draft = sql.fetch_row(_SELECT_DRAFT, parameters, prepared=True)
    if draft is None:
        return None
    fields = _fields_for_stage(json.loads(draft["fields"]), stage_of(claim))
    return SavedDraft(fields=fields, saved_at=draft["saved_at"]) if fields is not None else None


def stage_of(claim: Claim) -> DraftStage:
    """How much whoever fills in the form of this claim can see."""
    if not claim.answer_first:
        return "open"
    return "keep" if claim.revealed else "first"


def drop_old_drafts(now: datetime | None = None) -> int:
    """Forget the drafts that are older than 20 hours; how many there were."""
    dropped, _rows = Draft.objects.filter(saved_at__lte=clock.current_time(now) - DRAFT_LIFETIME).delete()
    return dropped


def _check_fields(fields: DraftFields) -> None:
    if len(json.dumps(dict(fields), ensure_ascii=False).encode("utf-8", "surrogatepass")) > MAX_DRAFT_BYTES:
        told = _("A draft can have %(most)s bytes; this one is longer and stays in your browser only.")
        raise Invalid(told % {"most": locale_format.format_number(MAX_DRAFT_BYTES, grouped=True)})
    if not schema.is_storable({name: list(values) for name, values in fields.items()}):
        raise Invalid(_("The text has characters that are none."))


def _require_stage(lease: Lease, claim: ClaimId, user: User) -> DraftStage:
    """How much the form of this claim showed; refuses whose item it never was, and what is decided."""
    found = sql.fetch_row(_SELECT_CLAIM_STATE, {"slot": claim.slot, "number": claim.number, "user": user.pk})
    assert found is not None
    if not found["held"]:
        raise not_reserved_error()
    if not lease.member:
        raise roles.NotAMember(_("You are not a reviewer of this stream any more."))
    if lease.item_state == Item.State.WITHDRAWN:
        raise ItemWithdrawn(_("This item was withdrawn by its sender; there is nothing to decide any more."))
    if found["decided"]:
        raise ClaimLost(_("You have decided this item already."))
    if not lease.answer_first:
        return "open"
    return "keep" if found["revealed"] else "first"


def _fields_for_stage(draft: Mapping[str, Any], stage: DraftStage) -> DraftFields | None:
    written_at, fields = draft["stage"], draft["fields"]
    if written_at == stage:
        return dict(fields)
    if stage == "first":
        return None
    return {name: values for name, values in fields.items() if name in validation.REMARK_FIELDS} or None
