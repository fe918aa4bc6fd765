"""What may go wrong, as managers set it, before anybody has seen how often it does."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from escalation.models import Stream, Target
from reviewqueue.activity import log
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import Invalid

MOST_ERROR = 0.5  # past a coin's there is nothing to promise


def target(stream: Stream) -> Target | None:
    """What may go wrong in this stream; None until somebody has said so."""
    return Target.objects.filter(stream=stream).order_by("-pk").first()


def set_target(
    *,
    stream: Stream,
    max_error: float,
    doubt: float = 0.05,
    groups: str = Target.Groups.TOGETHER,
    segment_key: str = "",
    reason: str = "",
    actor: str,
    now: datetime | None = None,
) -> Target:
    """Say what may go wrong from now on; the same again changes nothing. Raises Invalid.

    max_error: the share of what goes out unseen that may be wrong. doubt: the probability that a statement about it
    may be false. groups: one promise for all of it, or one for each class or each value of a segment key.
    """
    _check(max_error=max_error, doubt=doubt, groups=groups, segment_key=segment_key)
    with transaction.atomic():
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        before = target(stream)
        wanted = {"max_error": max_error, "doubt": doubt, "groups": groups, "segment_key": segment_key}
        if before is not None and {name: getattr(before, name) for name in wanted} == wanted:
            return before
        made = Target.objects.create(stream=stream, **wanted, set_by=actor, set_at=clock.current(now), reason=reason)
        log.record(
            actor=actor,
            verb="target.set",
            object_type="stream",
            object_id=stream.slug,
            queue=stream.slug,
            before={"max_error": before.max_error, "doubt": before.doubt, "groups": before.groups} if before else None,
            after={**wanted, "reason": reason},
            at=now,
        )
    return made


def _check(*, max_error: float, doubt: float, groups: str, segment_key: str) -> None:
    errors = []
    if not 0 < max_error <= MOST_ERROR:
        errors.append({"pointer": "/max_error", "detail": _("Say a share above 0 and up to a half.")})
    if not 0 < doubt <= MOST_ERROR:
        errors.append({"pointer": "/doubt", "detail": _("Say a probability above 0 and up to a half.")})
    if groups not in Target.Groups.values:
        errors.append({"pointer": "/groups", "detail": _("One promise for all, for each class, or for each segment.")})
    if (groups == Target.Groups.SEGMENTS) != bool(segment_key):
        errors.append({"pointer": "/segment_key", "detail": _("Name the segment whose values are the groups.")})
    if errors:
        raise Invalid(errors[0]["detail"], errors)
