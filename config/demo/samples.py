"""The demo's samples: real inputs, real models' out-of-fold scores, people's answers (`data/README.md`)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SENTIMENTS = ("negative", "neutral", "positive")
DIGITS = tuple("0123456789")

_DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True, slots=True)
class DemoSample:
    """One model output and the truth about it.

    `raters` holds the class that each person gave (a place in it is not one person throughout), and the truth
    alone where nobody rated: any of them is a demo reviewer's answer. `group` names what correlated samples
    come from, a product review, or is empty.
    """

    external_id: str
    input: dict[str, str]
    prediction: str
    confidence: float
    scores: dict[str, float]
    truth: str
    raters: tuple[str, ...]
    group: str = ""


def load_sentiment() -> list[DemoSample]:
    """3,704 sentences of product reviews, those of one review in sequence, each with 20 raters."""
    return [
        DemoSample(
            external_id=f"sentence-{row['id']}",
            input={"text": row["text"]},
            **_build_prediction(SENTIMENTS, row),
            raters=tuple(_classify_rating(int(digit) - 4) for digit in row["ratings"]),
            group=f"review-{row['id'].partition('_')[0]}",
        )
        for row in _read_rows("sentiment.jsonl")
    ]


def load_digits() -> list[DemoSample]:
    """1,797 handwritten digits as PNG data URLs of 8x8 pixels; the dataset states which digit was written."""
    return [
        DemoSample(
            external_id=f"digit-{row['id']}",
            input={"image": row["image"]},
            **_build_prediction(DIGITS, row),
            raters=(row["truth"],),
        )
        for row in _read_rows("digits.jsonl")
    ]


def _build_prediction(classes: tuple[str, ...], row: dict[str, Any]) -> dict[str, Any]:
    scores = dict(zip(classes, row["scores"], strict=True))
    best = max(classes, key=scores.__getitem__)
    return {"prediction": best, "confidence": scores[best], "scores": scores, "truth": row["truth"]}


def _classify_rating(rating: int) -> str:
    return SENTIMENTS[1 + (rating > 0) - (rating < 0)]


def _read_rows(name: str) -> Iterator[dict[str, Any]]:
    with (_DATA / name).open(encoding="ascii") as lines:
        yield from map(json.loads, lines)
