"""Bars per day as plain geometry, drawn by a template as SVG. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 640.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 8.0, 12.0, 28.0
MAX_BAR_WIDTH = 18.0
MAX_DATE_LABELS = 5  # along the horizontal axis


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of bars: a value per day, None where it is unknown, which draws nothing."""

    name: str
    css: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    css: str


@dataclass(frozen=True, slots=True)
class BarTick:
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class DateLabel:
    at: float
    day: date


@dataclass(frozen=True, slots=True)
class BarChart:
    """A drawn chart; coordinates are in the units of `0 0 width height`."""

    width: float
    height: float
    left: float
    right: float
    floor: float
    bars: list[Bar]
    ticks: list[BarTick]
    marks: list[DateLabel]
    series: Sequence[Series]


def draw_bars(days: Sequence[date], series: Sequence[Series]) -> BarChart:
    """Grouped bars, one group per day."""
    most = max((value for each in series for value in each.values if value is not None), default=0.0)
    step, top = choose_scale(most)
    floor = HEIGHT - BOTTOM
    per_unit = (floor - TOP) / top
    slot = (WIDTH - LEFT - RIGHT) / max(len(days), 1)
    width = min(MAX_BAR_WIDTH, slot * 0.78 / len(series))
    drawn = []
    for index in range(len(days)):
        start = LEFT + slot * index + (slot - width * len(series)) / 2
        for place, each in enumerate(series):
            value = each.values[index]
            if value:
                height = max(value * per_unit, 1.0)
                drawn.append(
                    Bar(
                        _round(start + place * width),
                        _round(floor - height),
                        _round(width * 0.86),
                        _round(height),
                        each.css,
                    )
                )
    return BarChart(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        floor=floor,
        bars=drawn,
        ticks=[BarTick(_round(floor - step * n * per_unit), step * n) for n in range(round(top / step) + 1)],
        marks=[
            DateLabel(_round(LEFT + slot * (index + 0.5)), days[index])
            for index in range(0, len(days), max(1, math.ceil(len(days) / MAX_DATE_LABELS)))
        ],
        series=series,
    )


def choose_scale(most: float) -> tuple[float, float]:
    """A round step and a top that is a few of them and not below the largest value."""
    if most <= 0:
        return 1.0, 1.0
    raw = most / 3
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    if most >= 1:
        step = max(step, 1.0)
    return step, step * math.ceil(most / step - 1e-9)


def _round(value: float) -> float:
    return round(value, 1)
