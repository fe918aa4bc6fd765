"""Whether a policy fits the stream's present answers, and what it may do under them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from escalation.models import Output, Policy, Stream
from escalation.policies import applicability, form_changes
from escalation.policies.applicability import Misfit
from escalation.policies.spec import PolicySpec, only_tightens
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.facade import queue
from reviewqueue.kernel.errors import DomainError, Invalid


class OutdatedVersion(DomainError):
    """The version was made for answers that the stream no longer has."""

    code = "version_outdated"


def get_form(stream: Stream, number: int) -> AnswerSpec:
    """One of the stream's numbered answer schemas; also one that this transaction has just made."""
    return queue.load_answer_spec(slug=stream.slug, number=number)


def list_misfits(spec: PolicySpec, stream: Stream) -> list[Misfit]:
    """The parts of the policy that could never apply to the stream's answers."""
    return applicability.find_misfits(spec, get_form(stream, stream.schema_number))


def check_fit(spec: PolicySpec, stream: Stream) -> None:
    """Raise Invalid, with a pointer to each, if parts of the policy could never apply to the stream's answers."""
    _refuse(list_misfits(spec, stream))


def check_new_misfits(spec: PolicySpec, stream: Stream, *, before: PolicySpec | None) -> None:
    """`check_fit`, but for what the policy in effect has too: a tightening must not wait until that is corrected."""
    form = get_form(stream, stream.schema_number)
    known = applicability.find_misfits(before, form) if before else []
    _refuse([one for one in applicability.find_misfits(spec, form) if one not in known])


def check_answers(policy: Policy, stream: Stream) -> None:
    """Raise OutdatedVersion for a version that was made for other answers than the stream's."""
    if policy.schema_number != stream.schema_number:
        raise OutdatedVersion(
            _(
                "Version %(number)s was made for earlier answers of this stream, so it cannot take effect any more. "
                "Create a new version."
            )
            % {"number": policy.number}
        )


def may_loosen(stream: Stream, *, before: PolicySpec, before_schema: int, after: PolicySpec) -> bool:
    """Whether `after`, under the stream's answers, could automate more than `before` under those numbered so."""
    if before_schema == stream.schema_number:
        return not only_tightens(before, after)
    form = get_form(stream, stream.schema_number)
    if not has_traffic(stream):
        # Nothing was decided under the earlier answers, so changing them puts nothing at stake.
        return not only_tightens(form_changes.restrict_to_form(before, form), after)
    earlier = get_form(stream, before_schema)
    return not form_changes.cannot_loosen(old=before, old_form=earlier, new=after, new_form=form)


def has_traffic(stream: Stream) -> bool:
    """Whether an output of this stream was ever received."""
    return Output.objects.filter(stream=stream).exists()


def _refuse(misfits: list[Misfit]) -> None:
    if misfits:
        raise Invalid(misfits[0].detail, [{"pointer": one.pointer, "detail": one.detail} for one in misfits])
