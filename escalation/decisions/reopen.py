"""A lead asks people again about an output that they decided."""

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
    """Ask people again about what they decided; what they say then goes out as a change of the decision."""
    with transaction.atomic():
        queue.reopen_item(item_id=output_id, by=by, reason=reason, now=now)
        # The item is locked by now, then the output, as in withdrawing.
        output = Output.objects.select_for_update(no_key=True).get(pk=output_id)
        if output.state != Output.State.DECIDED:
            raise NotDecided(
                gettext("This output is %(state)s, so nobody can decide it again.")
                % {"state": output.get_state_display().lower()}
            )
