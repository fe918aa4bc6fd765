"""A curve with its band and points as plain geometry, drawn as SVG by a template. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 26.0, 30.0, 46.0


@dataclass(frozen=True, slots=True)
class PlotPoint:
    """A point with its interval: `y`, `low` and `high` in units of the vertical axis, `x` of the horizontal."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CurveTick:
    at: float
    value: float


@dataclass(frozen=True, slots=True)
class PointLabel:
    """A point with a label beside it. Curves rise to the right, so there is room to the right and below."""

    name: str
    x: float
    y: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class CurvePlot:
    """A drawn plot; coordinates are in the units of `0 0 width height`."""

    width: float
    height: float
    left: float
    right: float
    top: float
    floor: float
    line: str
    band: str
    points: list[tuple[float, float, float, float]]  # x, y, and the two ends of the interval
    x_ticks: list[CurveTick]
    y_ticks: list[CurveTick]
    marks: list[PointLabel]
    target_y: float | None  # the error target, if it lies on the plot
    diagonal: str


def draw_curve(
    places: Sequence[PlotPoint],
    *,
    marks: dict[str, tuple[float, float]] | None = None,
    rule: float | None = None,
    y_most: float | None = None,
    diagonal: bool = False,
) -> CurvePlot:
    """A line with a band through the places in order; both axes are shares, the horizontal one from 0 to 1."""
    most = y_most or max([place.y for place in places] + [rule or 0.0, 0.01]) * 1.2
    step = _choose_step(most) if y_most is None else y_most / 5
    top = math.ceil(most / step - 1e-9) * step
    floor, per_y = HEIGHT - BOTTOM, (HEIGHT - BOTTOM - TOP) / top

    def x(value: float) -> float:
        return round(LEFT + value * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        return round(floor - min(value, top) * per_y, 1)

    upper = [f"{x(place.x)},{y(place.high)}" for place in places]
    lower = [f"{x(place.x)},{y(place.low)}" for place in reversed(places)]
    return CurvePlot(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        floor=floor,
        line=" ".join(f"{x(place.x)},{y(place.y)}" for place in places),
        band=" ".join([*upper, *lower]),
        points=[(x(place.x), y(place.y), y(place.low), y(place.high)) for place in places],
        x_ticks=[CurveTick(x(value / 5), value / 5) for value in range(6)],
        y_ticks=[CurveTick(y(step * number), step * number) for number in range(round(top / step) + 1)],
        marks=[_label_point(name, x(at), y(value), floor) for name, (at, value) in (marks or {}).items()],
        target_y=y(rule) if rule is not None and rule <= top else None,
        diagonal=f"{x(0)},{y(0)} {x(1)},{y(1)}" if diagonal else "",
    )


def _label_point(name: str, x: float, y: float, floor: float) -> PointLabel:
    left, above = x > WIDTH * 0.75, y + 24 > floor
    return PointLabel(name, x, y, x - 10 if left else x + 10, y - 10 if above else y + 18, "end" if left else "start")


def _choose_step(most: float) -> float:
    """A round step between the grid lines of an axis that gives three to six of them."""
    power: float = 10 ** math.floor(math.log10(most / 3))
    return next(factor * power for factor in (1, 2, 5, 10) if most / (factor * power) <= 5)
