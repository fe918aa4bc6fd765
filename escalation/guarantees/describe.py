"""Guarantees, error targets and refusals as sentences. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from escalation.statistics import ReliabilityBin
from reviewqueue.kernel import locale_format

MAX_PERCENT_PLACES = 6
MIN_AUDITS_PER_BIN = 10  # a bin with fewer says nothing about the shape
MIN_COUNTED_AUDITS = 10  # an estimate of fewer says no more than "a few"


def describe_guarantee(max_error: float, delta: float, *, groups: str = "together", segment_key: str = "") -> str:
    """The guarantee as a sentence; `max_error` and `delta` are shares. Groups all keep it together."""
    sentence = {
        "classes": _(
            "For each answer, at most %(errors)s of automated decisions are wrong, with %(level)s confidence."
        ),
        "segments": _(
            "For each %(segment)s, at most %(errors)s of automated decisions are wrong, with %(level)s confidence."
        ),
        "labels": _(
            "For each label, at most %(errors)s of automated decisions about it are wrong, with %(level)s confidence."
        ),
        "fields": _("For each field, at most %(errors)s of automated values are wrong, with %(level)s confidence."),
    }.get(groups, _("At most %(errors)s of automated decisions are wrong, with %(level)s confidence."))
    return sentence % _format_promise(max_error, delta, segment_key)


def describe_error_target(max_error: float, delta: float, *, groups: str = "together", segment_key: str = "") -> str:
    """The error target as a sentence; `max_error` and `delta` are shares."""
    sentence = {
        "classes": _(
            "For each answer, at most %(errors)s of automated decisions may be wrong, with %(level)s confidence."
        ),
        "segments": _(
            "For each %(segment)s, at most %(errors)s of automated decisions may be wrong, with %(level)s confidence."
        ),
        "labels": _(
            "For each label, at most %(errors)s of automated decisions about it may be wrong, with %(level)s "
            "confidence."
        ),
        "fields": _("For each field, at most %(errors)s of automated values may be wrong, with %(level)s confidence."),
    }.get(groups, _("At most %(errors)s of automated decisions may be wrong, with %(level)s confidence."))
    return sentence % _format_promise(max_error, delta, segment_key)


def describe_group_heading(groups: str, segment_key: str) -> str:
    """What a table of groups lists."""
    headings = {
        "classes": _("Each answer"),
        "labels": _("Each label"),
        "fields": _("Each field"),
        "segments": _("Each %(segment)s") % {"segment": segment_key},
    }
    return headings.get(groups, _("All outputs together"))


def describe_group(groups: str, segment_key: str) -> str:
    """The head of the column that names the groups."""
    names = {"classes": _("Answers"), "labels": _("Labels"), "fields": _("Fields"), "segments": segment_key}
    return names.get(groups, "")


def describe_covered_groups(groups: str, *, certified: int, of: int, model: str) -> str:
    """Which groups of a model's outputs a guarantee covers, and what happens to the others."""
    sentence = {
        "fields": _(
            "It covers %(certified)s of %(of)s fields in the outputs of %(model)s, each from a confidence of its own. "
            "People review all other values."
        ),
        "labels": _(
            "It covers %(certified)s of %(of)s labels in the outputs of %(model)s. People review all other outputs."
        ),
        "classes": _(
            "It covers %(certified)s of %(of)s answers of %(model)s, each from a confidence of its own. People review "
            "all other outputs."
        ),
    }.get(
        groups,
        _(
            "It covers %(certified)s of %(of)s groups of the outputs of %(model)s, each from a confidence of its own. "
            "People review all other outputs."
        ),
    )
    return sentence % {"certified": certified, "of": of, "model": model}


def _format_promise(max_error: float, delta: float, segment_key: str) -> dict[str, str]:
    return {
        "errors": format_max_error(max_error),
        "level": format_confidence_level(delta),
        "segment": segment_key,
    }


def format_max_error(share: float) -> str:
    """A share in percent with as many digits as it needs, rounded up: it never looks smaller than it is."""
    scale = 10**MAX_PERCENT_PLACES
    return _format_percent(math.ceil(share * 100 * scale - 1e-6) / scale)


def format_confidence_level(delta: float) -> str:
    """`1 - delta` in percent with as many digits as it needs, rounded down: it never looks higher than it is."""
    scale = 10**MAX_PERCENT_PLACES
    return _format_percent(math.floor((1 - delta) * 100 * scale + 1e-6) / scale)


def _format_percent(percent: float) -> str:
    """`2 %`, `99.5 %`: without trailing zeros."""
    digits = f"{percent:.{MAX_PERCENT_PLACES}f}".rstrip("0").partition(".")[2]
    return f"{locale_format.format_number(percent, len(digits), grouped=True)} %"


_REFUSALS = {
    "no_target": gettext_lazy("No error target is set yet."),
    "no_traffic": gettext_lazy("No outputs have been received yet."),
    "none_of_late": gettext_lazy(
        "There are no outputs to evaluate. Shadow outputs do not count, nor do outputs that are too old or were "
        "received before the rules changed or before the last drift alarm."
    ),
    "no_audit": gettext_lazy(
        "Automated outputs are not audited, so their error rate is unknown. Add audits to the policy."
    ),
    "deadline_accepts": gettext_lazy(
        "The policy accepts the model’s answer for every output past its deadline, whatever its confidence, so no "  # noqa: RUF001
        "guarantee is possible. Change the policy so that these outputs keep waiting for review."
    ),
    "label_thresholds": gettext_lazy(
        "The policy has thresholds for single labels, which a guarantee for all outputs together would drop. Remove "
        "them from the policy, or set the error target for each label separately."
    ),
    "outdated": gettext_lazy(
        "This evaluation is out of date: the error target, the model version, the answers or the rules have changed, "
        "it has expired, or a drift alarm was raised since. Evaluate again."
    ),
    "other_labels": gettext_lazy(
        "This label keeps the error target, but others do not: a set of labels is automated only where each of them "
        "does."
    ),
    "nothing_found": gettext_lazy("This evaluation found no threshold, so no policy can be created from it."),
}


def describe_refusal(reason: str, params: Mapping[str, Any]) -> str:
    """Why there is no guarantee, in a sentence or two that end with what it would take."""
    if reason in _REFUSALS:
        return str(_REFUSALS[reason])
    match reason:
        case "unresolved":
            return _(
                "%(missing)s of %(sampled)s audits have no answer that was given before the model’s answer was "  # noqa: RUF001
                "visible, so they count as errors. That is too many for a guarantee."
            ) % {
                "missing": locale_format.format_number(params["missing"], grouped=True),
                "sampled": locale_format.format_number(params["sampled"], grouped=True),
            }
        case "too_few":
            return _(
                "Counting those of outputs below the threshold, %(have)s audits are too few for this error target: "
                "%(takes)s. That is enough only if none of the audits, old or new, finds an error; otherwise it "
                "takes more."
            ) % {
                "have": locale_format.format_number(params["have"], grouped=True),
                "takes": describe_needed_audits(params["more"], params["days"]),
            }
        case "mixed_versions":
            return _(
                "%(others)s of the latest %(recent)s outputs come from other model versions, so a guarantee for this "
                "one would end at once. Evaluate once nearly all outputs come from one version."
            ) % {
                "others": locale_format.format_number(params["others"], grouped=True),
                "recent": locale_format.format_number(params["recent"], grouped=True),
            }
        case "none_caught":
            return _(
                "Reviewers caught none of the %(shown)s errors in test items, so their answers cannot show how often "
                "the model is wrong."
            ) % {"shown": locale_format.format_number(params["shown"], grouped=True)}
        case "too_few_test_items":
            return describe_missing_test_items(params)
        case _:
            return _describe_too_many_errors(params)


def describe_missing(reason: str, params: Mapping[str, Any]) -> str:
    """What a group without a threshold lacks, in a few words without a full stop; empty if it lacks nothing."""
    match reason:
        case "":
            return ""
        case "too_few" | "too_many_errors" if params.get("more") is not None:
            return _describe_audits(params["more"], params.get("days"))
        case "too_many_errors":
            return _("wrong too often at every threshold")
        case "other_labels":
            return _("waits for other labels")
        case _:
            return _("too few answered audits")


def describe_shortfall(more: int, days: int | None) -> str:
    """How many audits are missing before anything can be certified."""
    return _("It takes %(audits)s if none of them, old or new, finds an error; with errors it takes more.") % {
        "audits": _describe_audits(more, days)
    }


def describe_needed_audits(more: int | None, days: int | None) -> str:
    """How many more audits it takes, and how long that takes, without a full stop."""
    if more is None:
        return _("no number of audits would be enough while the model is wrong this often")
    return _("it takes %(audits)s") % {"audits": _describe_audits(more, days)}


def describe_outlook(threshold: str, automation: str, more: int, days: int | None) -> str:
    """What a looser threshold would take, and what it would bring."""
    if more < MIN_COUNTED_AUDITS:
        return _("A few more audits may allow a threshold of %(threshold)s, which automates %(share)s of outputs.") % {
            "threshold": threshold,
            "share": automation,
        }
    return _(
        "At the error rates so far, %(audits)s would allow a threshold of %(threshold)s, which automates %(share)s of "
        "outputs."
    ) % {
        "audits": _describe_audits(more, days),
        "threshold": threshold,
        "share": automation,
    }


def _describe_audits(more: int, days: int | None) -> str:
    """`about 120 more audits (3 days at today's traffic)`."""
    audits = ngettext("about %(number)s more audit", "about %(number)s more audits", more) % {
        "number": locale_format.format_number(_round_to_two_digits(more), grouped=True)
    }
    if days is None:
        return audits
    duration = ngettext("%(days)s day at today’s traffic", "%(days)s days at today’s traffic", days) % {  # noqa: RUF001
        "days": locale_format.format_number(days, grouped=True)
    }
    return _("%(audits)s (%(duration)s)") % {"audits": audits, "duration": duration}


def describe_calibration(bins: Sequence[ReliabilityBin]) -> str:
    """How errors depend on confidence: they fall as it rises, rise again somewhere, or hardly change.

    Errors rise where a bin's interval lies wholly above that of any bin of lower confidence; overlaps may be chance.
    """
    seen = [part for part in bins if part.n >= MIN_AUDITS_PER_BIN]
    if len(seen) < 2:
        return _("Too few audits to compare confidence with accuracy.")
    lows, highs = [1 - part.interval[1] for part in seen], [1 - part.interval[0] for part in seen]
    rises = [lows[at] - min(highs[:at]) for at in range(1, len(seen))]
    if rises[-1] > 0:
        return _(
            "Outputs with the highest confidence are wrong more often than some with lower confidence, so a threshold "
            "cannot help there. Find out what these outputs are."
        )
    if max(rises) > 0:
        worst = seen[1 + rises.index(max(rises))]
        return _(
            "Outputs with a confidence of about %(confidence)s are wrong more often than some with lower confidence, "
            "and any threshold below that automates them. Find out what these outputs are."
        ) % {"confidence": f"{locale_format.format_number(worst.mean_confidence * 100)}\u00a0%"}
    if max(lows) <= min(highs):
        return _(
            "Confidence says little about whether the model is right, so a threshold can hardly tell good answers "
            "from bad ones."
        )
    return _(
        "The higher the confidence, the more often the model is right, so a threshold can tell good answers from bad "
        "ones."
    )


def describe_missing_test_items(counts: Mapping[str, Any]) -> str:
    """How many test items are answered, what happens by itself, and what to do about the others.

    counts: a `recall.TestItemProgress` as plain data.
    """
    told = [
        _(
            "No guarantee without knowing how many errors reviewers miss: they have answered %(settled)s of the "
            "%(needed)s test items that this takes."
        )
        % {"settled": _count(counts["settled"]), "needed": _count(counts["needed"])}
    ]
    if counts["at_desk"]:
        told.append(_("In the queue: %(count)s.") % {"count": _count(counts["at_desk"])})
    if counts["waiting"]:
        told.append(_("Mixed in one by one as reviewers work: %(count)s.") % {"count": _count(counts["waiting"])})
    if counts["past_errors"]:
        told.append(_("To be made from past errors: %(count)s.") % {"count": _count(counts["past_errors"])})
    there = counts["settled"] + counts["at_desk"] + counts["waiting"] + counts["past_errors"]
    if there < counts["needed"]:
        told.append(
            _(
                "Still missing: %(count)s. They are added automatically once audits find more errors. To be faster, "
                "upload examples with known answers."
            )
            % {"count": _count(counts["needed"] - there)}
        )
    return " ".join(told)


def _count(number: int) -> str:
    return locale_format.format_number(number, grouped=True)


def _describe_too_many_errors(params: Mapping[str, Any]) -> str:
    if params.get("more") is None:
        return _(
            "In %(answered)s audits the model was wrong too often at every threshold, and more audits would not change "
            "that. A better model or a looser error target would."
        ) % {"answered": locale_format.format_number(params["answered"], grouped=True)}
    return _("%(answered)s audits are not enough evidence yet: %(takes)s.") % {
        "answered": locale_format.format_number(params["answered"], grouped=True),
        "takes": describe_needed_audits(params["more"], params["days"]),
    }


def _round_to_two_digits(number: int) -> int:
    """Two significant digits: an estimate to the single audit would claim to know too much."""
    excess = max(0, len(str(number)) - 2)
    return round(number, -excess) if excess else number
