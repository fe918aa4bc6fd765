"""Drafts: forms that a person filled in but did not submit, kept for 20 hours and shown only to them.

A draft records how much its author could see. A draft written with the proposal visible never returns to a form that
hides it, not even when the item is reviewed again in a later round. A draft written before the proposal was visible
never becomes an answer after it: only its remarks carry over.
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
from reviewqueue.queue.lease import ClaimId, ClaimLost, ItemWithdrawn, Lease, lock_lease, not_reserved_error
from reviewqueue.verdicts import queries, validation

DRAFT_LIFETIME = timedelta(hours=20)
MAX_DRAFT_BYTES = 200_000

# open: the proposal is visible. first: it is not visible yet. keep: it became visible after the first answer.
type DraftStage = Literal["open", "first", "keep"]
type DraftFields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """The fields of a draft that may be put into a form, and when they were written, by the server's clock."""

    fields: DraftFields
    saved_at: datetime

    def remarks(self) -> dict[str, str]:
        """The fields that accompany an answer: note, reason and error type."""
        return {name: self.fields[name][0] for name in validation.REMARK_FIELDS if self.fields.get(name)}


def save_draft(
    *, claim_id: str, user: User, fields: DraftFields, at: datetime | None = None, now: datetime | None = None
) -> None:
    """Save the draft of an item the person holds or held; `at` is when they wrote it, if not now.

    Raises Invalid for a draft that is too long or cannot be stored, NotFound for an item they never held, NotAMember,
    ItemWithdrawn, and ClaimLost once they have decided the item, by whichever claim.
    """
    _check_fields(fields)
    claim = ClaimId.parse(claim_id)
    with transaction.atomic():
        lease = lock_lease(claim, user=user, now=now)
        stage = _require_stage(lease, claim, user)
        written = min(max(at or lease.now, lease.now - DRAFT_LIFETIME), lease.now)
        content = json.dumps({"stage": stage, "fields": {name: list(values) for name, values in fields.items()}})
        sql.run_statement(
            queries.UPSERT_DRAFT, {"item": lease.item_id, "user": user.pk, "fields": content, "at": written}
        )


def load_draft(claim: Claim, *, user: User, now: datetime | None = None) -> SavedDraft | None:
    """The part of the person's draft that the form of this claim may show; None if there is none."""
    parameters = {"item": claim.item.id, "user": user.pk, "now": now, "kept_for": DRAFT_LIFETIME}
    draft = sql.fetch_row(queries.SELECT_DRAFT, parameters, prepared=True)
    if draft is None:
        return None
    fields = _fields_for_stage(json.loads(draft["fields"]), stage_of(claim))
    return SavedDraft(fields=fields, saved_at=draft["saved_at"]) if fields is not None else None


def stage_of(claim: Claim) -> DraftStage:
    """How much a person can see while they fill in the form of this claim."""
    if not claim.answer_first:
        return "open"
    return "keep" if claim.revealed else "first"


def drop_old_drafts(now: datetime | None = None) -> int:
    """Delete the drafts that are older than 20 hours; returns how many."""
    dropped, _rows = Draft.objects.filter(saved_at__lte=clock.current_time(now) - DRAFT_LIFETIME).delete()
    return dropped


def _check_fields(fields: DraftFields) -> None:
    if len(json.dumps(dict(fields), ensure_ascii=False).encode("utf-8", "surrogatepass")) > MAX_DRAFT_BYTES:
        message = _("This draft is longer than %(most)s bytes, so it is kept only in your browser.")
        raise Invalid(message % {"most": locale_format.format_number(MAX_DRAFT_BYTES, grouped=True)})
    if not schema.is_storable({name: list(values) for name, values in fields.items()}):
        raise Invalid(_("The text contains invalid characters. Remove them and try again."))


def _require_stage(lease: Lease, claim: ClaimId, user: User) -> DraftStage:
    """How much the form of this claim showed. Raises NotFound, NotAMember, ItemWithdrawn or ClaimLost."""
    found = sql.fetch_row(queries.SELECT_CLAIM_STATE, {"slot": claim.slot, "number": claim.number, "user": user.pk})
    assert found is not None
    if not found["held"]:
        raise not_reserved_error()
    if not lease.member:
        raise roles.NotAMember(_("You are no longer a reviewer of this stream."))
    if lease.item_state == Item.State.WITHDRAWN:
        raise ItemWithdrawn(_("This item was withdrawn by its sender, so there is nothing left to decide."))
    if found["decided"]:
        raise ClaimLost(_("You have already decided this item."))
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
