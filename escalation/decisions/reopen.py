"""Reopening: a lead has a decided output reviewed again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext

from escalation.models import Output
from reviewqueue.accounts.roles import Person
from reviewqueue.facade import queue
from reviewqueue.kernel.errors import DomainError


class NotDecided(DomainError):
    code = "not_decided"


def reopen_output(*, output_id: int, by: Person, reason: str = "", now: datetime | None = None) -> None:
    """Put a decided output back into review; the new result is published as a new revision of its decision.

    Raises NotDecided.
    """
    with transaction.atomic():
        queue.reopen_item(item_id=output_id, by=by, reason=reason, now=now)
        # The item is locked already, the output second: the same lock order as in withdrawing.
        output = Output.objects.select_for_update(no_key=True).get(pk=output_id)
        if output.state != Output.State.DECIDED:
            raise NotDecided(
                gettext("This output is %(state)s, so it cannot be reopened.")
                % {"state": output.get_state_display().lower()}
            )
