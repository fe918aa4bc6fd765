"""Statements about errors, and why there is none, in plain words. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from escalation.statistics import ReliabilityBin
from reviewqueue.kernel import locale_format


def describe_guarantee(max_error: float, delta: float) -> str:
    """What may go wrong, as a sentence: `max_error` and `doubt` are shares."""
    return _(
        "Of what goes out without a person, at most %(errors)s is wrong. This statement fails at most %(doubt)s."
    ) % {
        "errors": describe_share(max_error),
        "doubt": describe_odds(delta),
    }


def describe_error_target(max_error: float, delta: float) -> str:
    """The same as a manager sets it."""
    return _(
        "Up to %(errors)s of what goes out without a person may be wrong. "
        "A statement that this is kept may be false %(doubt)s."
    ) % {"errors": describe_share(max_error), "doubt": describe_odds(delta)}


def describe_share(share: float) -> str:
    """A small share as a count a person can picture, rounded so that it never sounds smaller than it is.

    `2 in 100`, `5 in 1,000`; three digits.
    """
    for whole in (100, 1_000, 10_000):
        part = share * whole
        if part >= 0.95:
            return _("%(part)s in %(whole)s") % {
                "part": _format_three_digits(_round_up(part)),
                "whole": locale_format.format_number(whole, grouped=True),
            }
    return _("less than 1 in 10,000")


def describe_odds(probability: float) -> str:
    """`1 time in 20`, rounded so that it never sounds rarer than it is."""
    return _("1 time in %(number)s") % {
        "number": locale_format.format_number(math.floor(1 / probability + 1e-9), grouped=True)
    }


_REFUSALS = {
    "no_target": gettext_lazy("Nobody has said yet what may go wrong."),
    "no_traffic": gettext_lazy("No outputs have come in yet."),
    "none_of_late": gettext_lazy(
        "Nothing that could show anything has come in of late, or since the alarm about mistakes."
    ),
    "no_audit": gettext_lazy(
        "Nothing that goes out is checked at random, so nobody can know how often it is wrong. "
        "Add random checks to the policy."
    ),
    "deadline_accepts": gettext_lazy(
        "The policy lets outputs out when their deadline passes, whatever they are, so nothing can be said "
        "about what goes out. Let deadlines hold."
    ),
    "outdated": gettext_lazy(
        "This look was about another target, another version of the model, other answers or other rules, its "
        "time is over, or an alarm about mistakes was raised since. Look again."
    ),
    "nothing_found": gettext_lazy("This look at the labels found no threshold to make a policy from."),
}


def describe_refusal(reason: str, params: Mapping[str, Any]) -> str:
    """Why nothing can be said, in a sentence or two that end with what it would take."""
    if reason in _REFUSALS:
        return str(_REFUSALS[reason])
    match reason:
        case "unresolved":
            return _(
                "%(missing)s of the %(sampled)s checked outputs could not be judged, or not without seeing the AI’s "  # noqa: RUF001
                "answer: too many to say anything."
            ) % {
                "missing": locale_format.format_number(params["missing"], grouped=True),
                "sampled": locale_format.format_number(params["sampled"], grouped=True),
            }
        case "too_few":
            return _(
                "%(have)s checked outputs are too few for this target: %(takes)s. That is enough only if not one of "
                "all of them is wrong; with mistakes it takes more."
            ) % {
                "have": locale_format.format_number(params["have"], grouped=True),
                "takes": describe_needed_audits(params["more"], params["days"]),
            }
        case "none_caught":
            return _(
                "Reviewers found none of %(shown)s known mistakes, so what they call right says nothing about how "
                "often the AI is wrong."
            ) % {"shown": locale_format.format_number(params["shown"], grouped=True)}
        case _:
            return _describe_too_many_errors(params)


def describe_needed_audits(more: int | None, days: int | None) -> str:
    """What it would take, as half a sentence."""
    if more is None:
        return _("no number of checks would change that while the AI is wrong this often")
    checks = ngettext("about %(number)s more checked output", "about %(number)s more checked outputs", more) % {
        "number": locale_format.format_number(_round_to_two_digits(more), grouped=True)
    }
    if days is None:
        return checks
    at = ngettext("at today’s traffic %(days)s day", "at today’s traffic %(days)s days", days) % {  # noqa: RUF001
        "days": locale_format.format_number(days, grouped=True)
    }
    return f"{checks}; {at}"


def describe_calibration(bins: Sequence[ReliabilityBin]) -> str:
    """What the diagram of a confidence says: errors fall with it, rise again somewhere, or hardly depend on it.

    They rise where an interval lies wholly above that of any less sure part; what overlaps could be chance.
    """
    seen = [part for part in bins if part.n >= MIN_AUDITS_PER_BIN]
    if len(seen) < 2:
        return _("Too few checked outputs to see a shape.")
    lows, highs = [1 - part.interval[1] for part in seen], [1 - part.interval[0] for part in seen]
    rises = [lows[at] - min(highs[:at]) for at in range(1, len(seen))]
    if rises[-1] > 0:
        return _(
            "The surest answers are wrong more often than less sure ones: a threshold cannot help there. "
            "Look at what the AI is so sure about."
        )
    if max(rises) > 0:
        worst = seen[1 + rises.index(max(rises))]
        return _(
            "Answers that the AI is around %(sure)s sure about are wrong more often than some that it is less sure "
            "about: a threshold below that lets them out. Look at what they are."
        ) % {"sure": f"{locale_format.format_number(worst.mean_confidence * 100)}\u00a0%"}
    if max(lows) <= min(highs):
        return _("How sure the AI is says little about whether it is right: a threshold can hardly tell them apart.")
    return _("The surer the AI is, the more often it is right: a threshold can tell good answers from bad ones.")


MIN_AUDITS_PER_BIN = 10


def _describe_too_many_errors(params: Mapping[str, Any]) -> str:
    if params.get("more") is None:
        return _(
            "Among %(answered)s checked outputs the AI was wrong too often at every threshold, and more checks would "
            "not change that. A better model would, or a looser target."
        ) % {"answered": locale_format.format_number(params["answered"], grouped=True)}
    return _("%(answered)s checked outputs do not show it yet. It would take %(takes)s.") % {
        "answered": locale_format.format_number(params["answered"], grouped=True),
        "takes": describe_needed_audits(params["more"], params["days"]),
    }


def _round_up(number: float) -> float:
    """The next larger number of three digits; itself where it has no more, whatever the last bits of a float say."""
    scale = 10.0 ** (2 - math.floor(math.log10(number)))
    return math.ceil(number * scale - 1e-9) / scale


def _format_three_digits(number: float) -> str:
    """Written with three digits at most."""
    return locale_format.format_number(number, len(f"{number:.3g}".partition(".")[2]))


def _round_to_two_digits(number: int) -> int:
    """Two digits: an estimate that names single outputs would claim to know too much."""
    beyond = max(0, len(str(number)) - 2)
    return round(number, -beyond) if beyond else number
