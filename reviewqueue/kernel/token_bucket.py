"""Token buckets: how often somebody may do something, remembered in this process."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class Taken:
    """`allowed` says whether there were enough tokens; `remaining` are left, and all are back after `reset_seconds`."""

    allowed: bool
    remaining: int
    reset_seconds: int
    retry_seconds: int


class TokenBuckets:
    """A bucket of `burst` tokens for each of many, refilled at `per_second`.

    Kept in memory: a lookup takes microseconds and cannot fail, which a shared store could not promise. Each process
    therefore counts on its own. Past `most` buckets the one that was used longest ago is forgotten.
    """

    def __init__(self, *, per_second: float, burst: float, most: int = 10_000) -> None:
        self.per_second, self.burst, self._most = per_second, burst, most
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, owner: Hashable, tokens: float = 1, *, now: float | None = None) -> Taken:
        """Take the tokens, at most a whole bucket, if they are there; otherwise nothing is taken."""
        moment, tokens = time.monotonic() if now is None else now, min(tokens, self.burst)
        with self._lock:
            level, since = self._levels.pop(owner, (self.burst, moment))
            level = min(self.burst, level + max(0.0, moment - since) * self.per_second)
            allowed = level >= tokens
            level -= tokens if allowed else 0
            self._levels[owner] = (level, moment)
            if len(self._levels) > self._most:
                self._levels.popitem(last=False)
        return Taken(
            allowed=allowed,
            remaining=math.floor(level),
            reset_seconds=math.ceil((self.burst - level) / self.per_second),
            retry_seconds=0 if allowed else max(1, math.ceil((tokens - level) / self.per_second)),
        )

    def clear(self) -> None:
        self._levels.clear()
