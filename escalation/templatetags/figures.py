"""Filters for figures: numbers in the reader's locale with their unit; what nobody knows is "unknown"."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils.translation import gettext as _

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
    """A number of things."""
    return _("unknown") if value is None else locale_format.format_number(value, 0, grouped=True)


@register.filter
def money(value: float | None, currency: str) -> str:
    """A sum with its currency; cents only where they matter."""
    if value is None:
        return _("unknown")
    places = 0 if abs(value) >= 20 or value == 0 else 2
    amount = locale_format.format_number(abs(value), places, grouped=True)
    sign = f"\u2212{NBSP}" if value < 0 and amount.strip("0.,\u066b") else ""
    return f"{sign}{CURRENCY_SYMBOLS.get(currency, currency)}{NBSP}{amount}"


@register.filter
def signed_money(value: float | None, currency: str) -> str:
    """A sum that may go either way, always with its sign."""
    told = money(value, currency)
    return f"+{NBSP}{told}" if value is not None and value > 0 else told


@register.filter
def rate(value: float | None) -> str:
    """A share between 0 and 1 in percent, with a second digit near either end: it is not certain before it is."""
    if value is None:
        return _("unknown")
    places = 0 if value in {0, 1} else 2 if value < 0.001 or value > 0.999 else 1
    return f"{locale_format.format_number(value * 100, places)}{NBSP}%"


@register.filter
def percent(value: float | None) -> str:
    """A share that somebody set, in percent with as many digits as it has."""
    if value is None:
        return _("unknown")
    places = next(places for places in range(5) if places == 4 or abs(value * 100 - round(value * 100, places)) < 1e-9)
    return f"{locale_format.format_number(value * 100, places)}{NBSP}%"


@register.filter
def in_words(share: float) -> str:
    """A small share as a count: `2 in 100`."""
    return describe.describe_share(share)


@register.filter
def error_target(target: Any) -> str:
    """What may go wrong, as what somebody set."""
    return describe.describe_error_target(target.max_error, target.delta)


@register.filter
def exact_rate(value: float | None) -> str:
    """A share in percent with three digits more, for whoever wants to compute it again."""
    return _("unknown") if value is None else f"{locale_format.format_number(value * 100, 4)}{NBSP}%"


@register.filter
def per_thousand(value: float | None) -> str:
    """A share as so many of 1,000."""
    if value is None:
        return _("unknown")
    return locale_format.format_number(value * 1000, 0 if value >= 0.02 else 1)


@register.filter
def hours(value: float) -> str:
    """Hours, with one digit where they are few."""
    return locale_format.format_number(value, 0 if value >= 10 else 1, grouped=True)


@register.filter
def decimals(value: float, digits_after: int) -> str:
    """A number with so many digits after the separator."""
    return locale_format.format_number(value, digits_after)


@register.filter
def guarantee_claim(target: Any) -> str:
    """What may go wrong, as a sentence."""
    return describe.describe_guarantee(target.max_error, target.delta)


@register.filter
def duration(value: float | timedelta | None) -> str:
    """A length of time in its two largest units."""
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
    """An event's actor as people read it."""
    return history.describe_actor(actor)


@register.filter
def routing_reason(value: str) -> str:
    """A route's reason in words."""
    return reasons.describe_reason(value)


@register.filter
def share_of(part: int, whole: int) -> float | None:
    """A part of a whole between 0 and 1; None of nothing."""
    return part / whole if whole else None


@register.filter
def age(since: datetime, now: datetime) -> timedelta:
    """How long ago something was, at a moment that the page holds."""
    return max(now - since, timedelta(0))


@register.filter
def answer_text(answer: Any, content: bool) -> str:
    """A decision's answer; anything deeper than labels only with content."""
    return answer if isinstance(answer, str) else history.describe_answer(answer, content=content)


@register.filter
def event_text(event: Any) -> str:
    """What an event tells, as a sentence."""
    return describe_event(event)


@register.filter
def axis_number(value: float) -> str:
    """A number beside an axis."""
    places = 0 if value == round(value) else 1 if value * 10 == round(value * 10) else 2
    return locale_format.format_number(value, places, grouped=True)


@register.filter
def svg_number(value: float) -> str:
    """A coordinate as SVG reads it, whatever the reader's locale."""
    return f"{value:g}"


@register.filter
def get_item(mapping: dict[str, Any], key: str) -> Any:
    """A value by a key that the template holds in a variable."""
    return mapping.get(key)
