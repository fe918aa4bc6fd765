"""Filters for figures: numbers in the reader's locale with their unit; None shows as "unknown"."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.utils.translation import gettext as _

from escalation import statistics
from escalation.guarantees import describe
from escalation.outputs import history
from escalation.routing import reasons
from escalation.views.event_text import describe_event
from reviewqueue.kernel import locale_format

register = template.Library()

CURRENCY_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "CHF": "CHF"}
NBSP = "\u00a0"


@register.filter
def count(value: int | None) -> str:
    """A whole number."""
    return _("unknown") if value is None else locale_format.format_number(value, 0, grouped=True)


@register.filter
def part_name(part: str) -> str:
    """The name of a label or field; that of a field is stored as its JSON Pointer."""
    return reasons.name_part(part)


@register.filter
def per_day(value: float) -> str:
    """An average number a day, with one digit below 100."""
    return locale_format.format_number(value, 0 if value >= 100 or value == 0 else 1, grouped=True)


@register.filter
def money(value: float | None, currency: str) -> str:
    """An amount with its currency; cents only below 20."""
    if value is None:
        return _("unknown")
    places = 0 if abs(value) >= 20 or value == 0 else 2
    amount = locale_format.format_number(abs(value), places, grouped=True)
    sign = f"\u2212{NBSP}" if value < 0 and amount.strip("0.,\u066b") else ""
    return f"{sign}{CURRENCY_SYMBOLS.get(currency, currency)}{NBSP}{amount}"


@register.filter
def signed_money(value: float | None, currency: str) -> str:
    """An amount that is always signed."""
    amount = money(value, currency)
    return f"+{NBSP}{amount}" if value is not None and value > 0 else amount


@register.filter
def rate(value: float | None) -> str:
    """A measured share in percent, with more digits close to 0 and 1 so that it never looks certain."""
    if value is None:
        return _("unknown")
    least = 0 if value in {0, 1} else 2 if value < 0.001 or value > 0.999 else 1
    places = locale_format.count_percent_places(value, least)
    return f"{locale_format.format_number(value * 100, places)}{NBSP}%"


@register.filter
def per_hundred(value: float) -> str:
    """How many of 100, where there may be more than one each."""
    return locale_format.format_number(value * 100, 0 if value == 0 else 2 if value < 0.001 else 1, grouped=True)


@register.filter
def percent(value: float | None) -> str:
    """A configured share, in percent with as many decimals as it has; at most four, or more if it is close to 1."""
    if value is None:
        return _("unknown")
    most = locale_format.count_percent_places(value, 4)
    places = next(
        places for places in range(most + 1) if places == most or abs(value * 100 - round(value * 100, places)) < 1e-9
    )
    return f"{locale_format.format_number(value * 100, places)}{NBSP}%"


@register.filter
def threshold_number(value: float) -> str:
    """A threshold between 0 and 1 with every digit it has, at least two: `0.82`."""
    places = -int(Decimal(repr(value)).normalize().as_tuple().exponent)
    return locale_format.format_number(value, min(max(places, 2), locale_format.MAX_PLACES))


@register.filter
def max_error(share: float) -> str:
    """An error target in percent, rounded up: `2 %`."""
    return _keep_units(describe.format_max_error(share))


@register.filter
def error_target(target: Any) -> str:
    """An error target as a sentence."""
    sentence = describe.describe_error_target(
        target.max_error, target.delta, groups=target.groups, segment_key=target.segment_key
    )
    return _keep_units(sentence)


@register.filter
def coverage_text(summary: Any) -> str:
    """What a guarantee with groups covers, as a sentence or two."""
    evaluation = summary.guarantee.evaluation
    return describe.describe_covered_groups(
        evaluation.target.groups,
        certified=len(summary.certified),
        of=len(summary.groups),
        model=f"{evaluation.model} {evaluation.model_version}".strip(),
    )


@register.filter
def outlook_text(outlook: Any) -> str:
    """What the next threshold would take, as a sentence."""
    return describe.describe_outlook(
        threshold_number(outlook.threshold), rate(outlook.automation_rate), outlook.more, outlook.days
    )


@register.filter
def exact_rate(value: float | None) -> str:
    """A share in percent with four digits, for readers who recompute it."""
    return _("unknown") if value is None else f"{locale_format.format_number(value * 100, 4)}{NBSP}%"


@register.filter
def are_enough(audits: int) -> bool:
    """Whether there are enough audits to show a percentage."""
    return audits >= statistics.MIN_AUDITS_FOR_RATE


@register.filter
def too_few_audits(audits: int) -> str:
    """What stands in place of an error rate that would rest on so few audits."""
    return _("too few audits (%(count)s)") % {"count": count(audits)} if audits else _("unknown")


@register.filter
def hours(value: float) -> str:
    """Hours, with one digit below 10."""
    return locale_format.format_number(value, 0 if value >= 10 else 1, grouped=True)


@register.filter
def decimals(value: float, digits_after: int) -> str:
    """A number with `digits_after` digits after the separator."""
    return locale_format.format_number(value, digits_after)


@register.filter
def guarantee_sentence(target: Any) -> str:
    """The guarantee for an error target, as a sentence."""
    sentence = describe.describe_guarantee(
        target.max_error, target.delta, groups=target.groups, segment_key=target.segment_key
    )
    return _keep_units(sentence)


def _keep_units(sentence: str) -> str:
    """No line ends between a number and its percent sign."""
    return sentence.replace(" %", f"{NBSP}%")


@register.filter
def duration(value: float | timedelta | None) -> str:
    """A duration in its two largest units."""
    if value is None:
        return _("unknown")
    seconds = round(value.total_seconds() if isinstance(value, timedelta) else value)
    units = ((86_400, _("d")), (3_600, _("h")), (60, _("min")), (1, _("s")))
    for index, (size, unit) in enumerate(units):
        if seconds >= size:
            rest = [(seconds % size // small, name) for small, name in units[index + 1 : index + 2]]
            parts = [(seconds // size, unit), *[part for part in rest if part[0] and size >= 3_600]]
            return " ".join(
                f"{locale_format.format_number(number, grouped=True)}{NBSP}{name}" for number, name in parts
            )
    return f"0{NBSP}{_('s')}"


@register.filter
def actor_name(actor: str) -> str:
    """The actor of an event for display."""
    return history.describe_actor(actor)


@register.filter
def routing_reason(value: str) -> str:
    """A routing reason in words."""
    return reasons.describe_reason(value)


@register.filter
def share_of(part: int, whole: int) -> float | None:
    """`part / whole`; None if the whole is 0."""
    return part / whole if whole else None


@register.filter
def age(since: datetime, now: datetime) -> timedelta:
    """Time between `since` and `now`, never negative."""
    return max(now - since, timedelta(0))


@register.filter
def predicted_answer(output: Any) -> str:
    """What the model answered: a label or the labels of a set; empty if it is structured, which is content."""
    if output.label_decisions is None:
        return str(output.predicted)
    return history.describe_answer(output.label_decisions["predicted"], content=False)


@register.filter
def answer_text(answer: Any, content: bool) -> str:
    """A decision's answer; structured answers only with `content`."""
    return answer if isinstance(answer, str) else history.describe_answer(answer, content=content)


@register.filter
def event_text(event: Any) -> str:
    """An event as a sentence."""
    return describe_event(event)


@register.filter
def axis_number(value: float) -> str:
    """A number on an axis."""
    places = 0 if value == round(value) else 1 if value * 10 == round(value * 10) else 2
    return locale_format.format_number(value, places, grouped=True)


@register.filter
def svg_number(value: float) -> str:
    """A coordinate for SVG, independent of the locale."""
    return f"{value:g}"


@register.filter
def get_item(mapping: dict[str, Any], key: str) -> Any:
    """The value of a key that is in a template variable."""
    return mapping.get(key)
