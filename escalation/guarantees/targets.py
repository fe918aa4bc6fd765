"""Error targets: set by managers before any error figures are shown."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from escalation.models import ErrorTarget, Stream
from reviewqueue.activity import log
from reviewqueue.answers import schema
from reviewqueue.facade import queue
from reviewqueue.kernel import clock
from reviewqueue.kernel.errors import Invalid

MAX_DECLARED_AUDITS = 100_000
# What a guarantee may be given for, by the kind of a stream's answers.
_GROUPINGS_BY_KIND = {
    schema.LABEL: (ErrorTarget.Grouping.TOGETHER, ErrorTarget.Grouping.CLASSES, ErrorTarget.Grouping.SEGMENTS),
    schema.LABELS: (ErrorTarget.Grouping.TOGETHER, ErrorTarget.Grouping.LABELS, ErrorTarget.Grouping.SEGMENTS),
    schema.STRUCTURED: (ErrorTarget.Grouping.TOGETHER, ErrorTarget.Grouping.FIELDS, ErrorTarget.Grouping.SEGMENTS),
}
MAX_TARGET_SHARE = 0.5  # worse than a coin toss, nothing is worth guaranteeing


def list_groupings(stream: Stream) -> tuple[ErrorTarget.Grouping, ...]:
    """What the stream can get a guarantee for: everything together, or each group of outputs, labels or fields.

    What suits it best comes first: where each wrong label is an error, that is each label.
    """
    form = queue.get_answer_spec(slug=stream.slug, number=stream.schema_number)
    found = _GROUPINGS_BY_KIND[form.kind]
    return tuple(sorted(found, key=lambda one: one != ErrorTarget.Grouping.LABELS)) if form.has_label_errors else found


def find_error_target(stream: Stream) -> ErrorTarget | None:
    """The stream's current error target; None until one is set."""
    return ErrorTarget.objects.filter(stream=stream).order_by("-pk").first()


def set_error_target(
    *,
    stream: Stream,
    max_error: float,
    delta: float = 0.05,
    groups: str = ErrorTarget.Grouping.TOGETHER,
    segment_key: str = "",
    declared_audits: int | None = None,
    reason: str = "",
    actor: str,
    now: datetime | None = None,
) -> ErrorTarget:
    """Set the error target; setting the same target again changes nothing. Raises Invalid.

    max_error: the share of automated outputs that may be wrong. delta: the probability with which a guarantee may be
    false. groups: one guarantee for everything, or one for each of `list_groupings`. declared_audits: after so many
    audits of a group, the exact evaluation is taken; None leaves it to the product.
    """
    _check_groups(groups, list_groupings(stream))
    _check_target(
        max_error=max_error, delta=delta, groups=groups, segment_key=segment_key, declared_audits=declared_audits
    )
    with transaction.atomic():
        Stream.objects.select_for_update(no_key=True).only("pk").get(pk=stream.pk)
        before = find_error_target(stream)
        wanted = {
            "max_error": max_error,
            "delta": delta,
            "groups": groups,
            "segment_key": segment_key,
            "declared_audits": declared_audits,
        }
        if before is not None and {name: getattr(before, name) for name in wanted} == wanted:
            return before
        target = ErrorTarget.objects.create(
            stream=stream, **wanted, set_by=actor, set_at=clock.current_time(now), reason=reason
        )
        log.record_event(
            actor=actor,
            verb="target.set",
            object_type="stream",
            object_id=stream.slug,
            queue=stream.slug,
            before={"max_error": before.max_error, "delta": before.delta, "groups": before.groups} if before else None,
            after={**wanted, "reason": reason},
            at=now,
        )
    return target


def _check_groups(groups: str, possible: tuple[ErrorTarget.Grouping, ...]) -> None:
    if groups in possible:
        return
    names = ", ".join(f"`{one.value}`" for one in possible)
    detail = _("This stream’s answers have no such groups. Choose one of: %(names)s.") % {"names": names}  # noqa: RUF001 - an apostrophe
    raise Invalid(detail, [{"pointer": "/groups", "detail": detail}])


def _check_target(
    *, max_error: float, delta: float, groups: str, segment_key: str, declared_audits: int | None
) -> None:
    errors = []
    if declared_audits is not None and not 1 <= declared_audits <= MAX_DECLARED_AUDITS:
        limits = {"most": MAX_DECLARED_AUDITS}
        errors.append(
            {"pointer": "/declared_audits", "detail": _("Must be a number of audits from 1 to %(most)s.") % limits}
        )
    if not 0 < max_error <= MAX_TARGET_SHARE:
        errors.append({"pointer": "/max_error", "detail": _("Must be a share above 0 and at most 0.5.")})
    if not 0 < delta <= MAX_TARGET_SHARE:
        errors.append({"pointer": "/delta", "detail": _("Must be a probability above 0 and at most 0.5.")})
    if (groups == ErrorTarget.Grouping.SEGMENTS) != bool(segment_key):
        errors.append(
            {"pointer": "/segment_key", "detail": _("Required for groups by segment; leave it empty otherwise.")}
        )
    if errors:
        raise Invalid(errors[0]["detail"], errors)
