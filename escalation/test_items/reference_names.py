"""Generates references that look like those of the latest outputs. Pure."""

from __future__ import annotations

import itertools
import random
import re
import string
from collections.abc import Iterator, Sequence

MAX_REFERENCE_LENGTH = 200


def generate_reference_names(latest: Sequence[str], rng: random.Random) -> Iterator[str]:
    """An endless series of plausible next references, the most plausible first.

    If references count up: numbers near the latest, then further away. If they are random: references of the same form.
    Without a recognisable form: references with letters and digits in the same places.
    """
    like = rng.choice(latest)
    yield from _generate_numbered(like, latest, rng)
    form = re.sub("[A-Za-z0-9]", "x", like)
    alike = [re.split("([^A-Za-z0-9]+)", name) for name in latest if re.sub("[A-Za-z0-9]", "x", name) == form]
    if len(alike) > 2:
        for _ in range(60):
            yield "".join(_generate_word(words, rng) for words in zip(*alike, strict=True))
    for tried in itertools.count():
        extra = tried // 20  # digits to append, one more every twenty tries, so that the series never runs out
        yield "".join(_similar_character(letter, rng) for letter in like[: MAX_REFERENCE_LENGTH - extra] + "0" * extra)


def _generate_numbered(like: str, latest: Sequence[str], rng: random.Random) -> Iterator[str]:
    parts = re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", like, re.DOTALL)
    if parts is None:
        return
    head, _, tail = parts.groups()
    same = [re.fullmatch(f"{re.escape(head)}([0-9]+){re.escape(tail)}", name) for name in latest]
    counts = [found[1] for found in same if found]
    steps = [int(later) > int(earlier) for earlier, later in itertools.combinations(counts, 2)]
    if len(latest) > 2 and (len(counts) < 3 or sum(steps) < 0.75 * len(steps)):
        return  # the numbers do not count up
    last, least = max(int(count) for count in counts), min(int(count) for count in counts)
    width = len(counts[-1]) if any(count.startswith("0") for count in counts) else 0
    for reach in (2**power for power in range(1, 21)):
        for _ in range(5):
            near = str(max(least, last + rng.randint(-reach, reach))).zfill(width)
            yield f"{head}{near}{tail}"[:MAX_REFERENCE_LENGTH]


def _generate_word(words: Sequence[str], rng: random.Random) -> str:
    """One of the words if they repeat often, otherwise a new one from their characters, position by position."""
    if len(set(words)) <= len(words) / 2:
        return rng.choice(words)
    return "".join(rng.choice(letters) for letters in zip(*words, strict=True))


def _similar_character(letter: str, rng: random.Random) -> str:
    kinds = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
    return next((rng.choice(kind) for kind in kinds if letter in kind), letter)
