"""A classifier that tries to tell two kinds of items apart by everything their reviewer can see or time.

Ridge regression on the features that differ most in the training folds: it finds a single telling attribute as well as
many weak ones. Scores are cross-validated, so memorised details don't count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]

HASH_BUCKETS = 1 << 14
FOLDS, SHUFFLES = 10, 3
KEPT_COLUMNS = 150  # columns of markup that differ most in the training folds
_CSRF = re.compile(r'csrfmiddlewaretoken" value="[^"]*"|"X-CSRFToken": ?"[^"]*"')
_TAG = re.compile(r"<[^>]*>|[^<]+")
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class ObservedItem:
    """One item as its reviewer met it: each response's markup with its headers, and all that can be counted.

    `numbers`: sizes in bytes, times in seconds, status codes, what is in the item's and the claim's number, and its
    place in the order of work; the same names for every item.
    """

    pages: Sequence[str]
    numbers: Mapping[str, float] = field(default_factory=dict)

    def with_number(self, name: str, more: float) -> ObservedItem:
        return replace(self, numbers={**self.numbers, name: self.numbers[name] + more})


def measure_auc(ones: Sequence[ObservedItem], others: Sequence[ObservedItem]) -> float:
    """The probability that the classifier takes an unseen one of `ones` rather for one than one of `others`;
    0.5 is a coin. The mean over some shuffles of the folds."""
    every = [*ones, *others]
    kind = np.array([1.0] * len(ones) + [-1.0] * len(others))
    numbers, markup = _number_columns(every), _markup_columns(every)
    return float(
        np.mean([_cross_validate(numbers, markup, kind, np.random.default_rng(seed)) for seed in range(SHUFFLES)])
    )


def strip_secrets(markup: str, *texts: str) -> str:
    """The markup without its CSRF tokens and without these texts of the item."""
    for text in texts:
        markup = markup.replace(text, "")
    return _CSRF.sub("", markup)


def _cross_validate(numbers: Floats, markup: Floats, kind: Floats, rng: np.random.Generator) -> float:
    fold = rng.permutation(len(kind)) % FOLDS
    score = np.empty(len(kind))
    for each in range(FOLDS):
        known, unknown = fold != each, fold == each
        telling = np.argsort(-np.abs(kind[known] @ markup[known]))[:KEPT_COLUMNS]
        columns = np.hstack([numbers, markup[:, telling]])
        score[unknown] = _ridge(columns[known], kind[known], columns[unknown])
    return _rank_auc(score, kind)


def _ridge(columns: Floats, kind: Floats, asked: Floats) -> Floats:
    scale = np.eye(columns.shape[1]) * len(columns) / 10
    weights = np.linalg.solve(columns.T @ columns + scale, columns.T @ (kind - kind.mean()))
    score: Floats = asked @ weights
    return score


def _rank_auc(score: Floats, kind: Floats) -> float:
    """The share of pairs in the right order (Mann-Whitney)."""
    ones = int((kind > 0).sum())
    return float((_ranks(score)[kind > 0].sum() - ones * (ones + 1) / 2) / (ones * (len(kind) - ones)))


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share a rank, because their order in the list would otherwise tell them apart."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def _number_columns(every: Sequence[ObservedItem]) -> Floats:
    """Each number as it is, as its rank, which no outlier hides, and its lowest digit, odd or even."""
    raw = np.array([list(each.numbers.values()) for each in every])
    ranks = np.apply_along_axis(_ranks, 0, raw)
    return _standardize(np.hstack([raw, ranks, np.floor(raw) % 2]))


def _markup_columns(every: Sequence[ObservedItem]) -> Floats:
    """Counts of hashed words and of pairs and triples of them, in the markup of all pages of an item."""
    counts = np.stack([sum(_count_grams(page, at) for at, page in enumerate(each.pages)) for each in every])
    return _standardize(counts[:, counts.std(axis=0) > 0].astype(float))


def _count_grams(page: str, at: int) -> NDArray[np.int64]:
    found = np.concatenate([_hash_grams(piece, at) for piece in _TAG.findall(page) or [" "]])
    return np.bincount(found, minlength=HASH_BUCKETS)


@lru_cache(maxsize=100_000)
def _hash_grams(piece: str, at: int) -> NDArray[np.int64]:
    words = _WORD.findall(piece)
    grams = [" ".join(words[start : start + size]) for size in (1, 2, 3) for start in range(len(words) - size + 1)]
    return np.array([crc32(f"{at} {gram}".encode()) % HASH_BUCKETS for gram in grams], dtype=np.int64)


def _standardize(columns: Floats) -> Floats:
    spread = columns.std(axis=0)
    standard: Floats = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return np.clip(standard, -5, 5)
