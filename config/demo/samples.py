"""The demo's samples: real inputs, out-of-fold scores of real models, and people's answers (`data/README.md`)."""

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
    """One model output and its true answer.

    `raters` holds the class each rater chose (an index is not the same person in every sample), or only the truth if
    nobody rated it; a demo reviewer answers with any of them. `scores` are those of the classes, or of the fields of a
    document. `group` names the product review that correlated samples
    come from, or is empty.
    """

    external_id: str
    input: dict[str, str]
    prediction: Any
    confidence: float
    scores: dict[str, float]
    truth: Any
    raters: tuple[Any, ...]
    group: str = ""

    @property
    def is_wrong(self) -> bool:
        return bool(self.prediction != self.truth)

    @property
    def as_example(self) -> dict[str, Any]:
        """As a manager uploads it: with the answer that the model gave, and the right one."""
        return {"input": self.input, "prediction": self.prediction, "answer": self.truth}


def load_sentiment() -> list[DemoSample]:
    """3,704 sentences of product reviews, each with 20 raters; those of one review are consecutive."""
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
