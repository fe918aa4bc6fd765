"""Which rows of the tables that grow for ever a round of invariant checks reads: the latest, and a part of the older.

Checks are written for the latest rows, as `(SELECT * FROM table ORDER BY id DESC LIMIT n)`. A round replaces these by
two ranges of ids: the latest rows, and a window that moves on with each round through the older ones, and then begins
anew. So a round reads as many rows however large the tables are, and every row is checked again and again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from escalation.monitoring import queries
from reviewqueue.kernel import sql

WINDOW_ROWS = 20_000
_LATEST = re.compile(r"\(SELECT \* FROM (\w+|\([^()]+\) AS \w+) ORDER BY (\w+) DESC LIMIT 100000\)")


@dataclass(frozen=True, slots=True)
class IdRange:
    """The ids to check: `latest` and later, and those after `after` up to `until`."""

    latest: int
    after: int
    until: int


def find_sources(texts: Iterable[str]) -> set[str]:
    """What the checks read the latest rows of, as written there."""
    return {found[0] for text in texts for found in _LATEST.finditer(text)}


def move_on(sources: Iterable[str], before: Mapping[str, IdRange]) -> dict[str, IdRange]:
    """The ranges of the next round, after those of the one before."""
    return {source: _next_range(source, before.get(source)) for source in sources}


def limit_rows(text: str, ranges: Mapping[str, IdRange]) -> str:
    """A check's query with each of the latest rows replaced by the round's ranges."""
    return _LATEST.sub(lambda found: _select_range(found, ranges[found[0]]), text)


def _next_range(source: str, before: IdRange | None) -> IdRange:
    table, column = _parse_source(source)
    ids = queries.SELECT_IDS.format(column=column, table=table)
    latest = sql.fetch_value(queries.FIRST_LATEST_ID.format(ids=ids), [WINDOW_ROWS - 1]) or 0
    until = _end_of_window(ids, after := before.until if before else 0, latest)
    if until == after:  # everything up to the latest is checked: begin anew
        until = _end_of_window(ids, after := 0, latest)
    return IdRange(latest, after, until)


def _end_of_window(ids: str, after: int, latest: int) -> int:
    return sql.fetch_value(queries.LAST_ID_OF_WINDOW.format(ids=ids), [after, latest, WINDOW_ROWS]) or after


def _select_range(found: re.Match[str], ids: IdRange) -> str:
    bounds = {"latest": ids.latest, "after": ids.after, "until": ids.until}
    return queries.SELECT_RANGES.format(table=found[1], column=found[2], **bounds)


def _parse_source(source: str) -> tuple[str, str]:
    found = _LATEST.fullmatch(source)
    assert found is not None
    return found[1], found[2]
