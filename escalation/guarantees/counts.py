"""Counts of audits and errors by group and by bin of the grid: all that a guarantee's arithmetic needs. Pure.

They can be added to as audits are answered, in the order of their outputs, and then equal a count from the beginning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from escalation.guarantees.thresholds import THRESHOLDS

type Integers = NDArray[np.int64]


class SampledUnit(NamedTuple):
    """An audit as a guarantee sees it (`guarantees.units`): of an output, or of a field of one.

    bin: the index of the highest threshold not above its confidence. group: empty for none. wrong: whether reviewers
    found it wrong, or for a set of labels, about which of them it was; None if unjudgeable or unanswered. blind: None
    if unanswered. gone: taken back before anybody judged it.
    """

    id: int
    bin: int
    group: str
    wrong: bool | list[str] | None
    blind: bool | None
    received_at: datetime
    gone: bool

    @property
    def is_answered(self) -> bool:
        return bool(self.blind) and self.wrong is not None

    @property
    def is_error(self) -> bool:
        """Whether it counts as an error; for a set of labels, as one about some label."""
        return not self.is_answered or self.wrong not in (False, [])

    def is_pending(self, due: datetime) -> bool:
        """Whether its answer may still come: it is not overdue, as it was received after this moment."""
        return self.blind is None and not self.gone and self.received_at > due


@dataclass(frozen=True, slots=True)
class Tally:
    """(J,) How many audits lie at or above each threshold, strict to loose, and how many of these are errors."""

    accepted: Integers
    wrong: Integers


def find_worst(tallies: Sequence[Tally]) -> Tally:
    """Of several kinds of error among the same audits, the most of one kind at each threshold.

    A test passes with these counts if and only if it passes for each kind by itself.
    """
    return Tally(tallies[0].accepted, np.stack([one.wrong for one in tallies]).max(axis=0))


@dataclass(slots=True)
class GroupCounts:
    """A group's audits and errors in each bin of the grid, loose to strict; `first_`: of the first ones only.

    answered: how many reviewers judged blind; all others are errors.
    """

    audits: Integers = field(default_factory=lambda: np.zeros(len(THRESHOLDS), np.int64))
    errors: Integers = field(default_factory=lambda: np.zeros(len(THRESHOLDS), np.int64))
    first_audits: Integers = field(default_factory=lambda: np.zeros(len(THRESHOLDS), np.int64))
    first_errors: Integers = field(default_factory=lambda: np.zeros(len(THRESHOLDS), np.int64))
    answered: int = 0

    @property
    def sampled(self) -> int:
        return int(self.audits.sum())

    def tally(self) -> Tally:
        return _accumulate(self.audits, self.errors)

    def tally_first(self) -> Tally:
        return _accumulate(self.first_audits, self.first_errors)

    def add(self, bins: Integers, errors: NDArray[np.bool_], *, answered: int, first: int) -> None:
        """Count more audits, in order; the exact evaluation takes the first `first` of the group."""
        fresh = max(first - self.sampled, 0)
        self.audits, self.errors = self.audits + _count(bins), self.errors + _count(bins[errors])
        if fresh:
            early, wrong = bins[:fresh], errors[:fresh]
            self.first_audits, self.first_errors = (
                self.first_audits + _count(early),
                self.first_errors + _count(early[wrong]),
            )
        self.answered += answered


@dataclass(slots=True)
class EvidenceCounts:
    """The counts of every group.

    first: the number of audits of a group that the exact evaluation takes. labels: the labels of a set, each of which
    is a group to which every audit belongs; None if an audit is in one group. sampled, answered: the audits of all
    groups, an audit of a set of labels once. labels_hash: identifies the audits that were counted and their errors.
    """

    first: int
    labels: Sequence[str] | None = None
    groups: dict[str, GroupCounts] = field(default_factory=dict)
    sampled: int = 0
    answered: int = 0
    labels_hash: str = ""

    def add(self, rows: Sequence[SampledUnit]) -> None:
        """Count more audits, in the order of their outputs."""
        self.sampled += len(rows)
        answered = [row.is_answered for row in rows]
        self.answered += sum(answered)
        self.labels_hash = _chain_hash(self.labels_hash, rows)
        if self.labels is None:
            for name, members in _split_by_group(rows).items():
                self._add_group(name, members, [row.is_error for row in members])
        elif rows:
            for name, errors in _split_by_label(rows, self.labels).items():
                self._add_group(name, rows, errors)

    def copy(self) -> Self:
        """Counts to which others can be added."""
        return replace(self, groups={name: replace(group) for name, group in self.groups.items()})

    def to_json(self) -> dict[str, Any]:
        """The counts as plain data."""
        groups = {name: [group.answered, *_list_bins(group)] for name, group in self.groups.items()}
        return {"groups": groups} | {name: getattr(self, name) for name in _PLAIN}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        groups = {}
        for name, (answered, *bins) in plain["groups"].items():
            columns = np.zeros((4, len(THRESHOLDS)), np.int64)
            for at, *values in bins:
                columns[:, at] = values
            groups[name] = GroupCounts(columns[0], columns[1], columns[2], columns[3], answered)
        return cls(groups=groups, **{name: plain[name] for name in _PLAIN})

    def _add_group(self, name: str, rows: Sequence[SampledUnit], errors: Iterable[bool]) -> None:
        self.groups.setdefault(name, GroupCounts()).add(
            np.fromiter((row.bin for row in rows), np.int64, len(rows)),
            np.fromiter(errors, np.bool_, len(rows)),
            answered=sum(row.is_answered for row in rows),
            first=self.first,
        )


_PLAIN = ("first", "labels", "sampled", "answered", "labels_hash")


def _list_bins(group: GroupCounts) -> list[list[int]]:
    """The bins in which there are audits, with their counts."""
    columns = np.stack([group.audits, group.errors, group.first_audits, group.first_errors])
    return [[at, *columns[:, at].tolist()] for at in np.flatnonzero(group.audits).tolist()]


def _split_by_group(rows: Sequence[SampledUnit]) -> dict[str, list[SampledUnit]]:
    found: dict[str, list[SampledUnit]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return found


def _split_by_label(rows: Sequence[SampledUnit], labels: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """For each label, which audits are errors about it; those without an answer are errors about every label."""
    unanswered = np.array([not row.is_answered for row in rows], np.bool_)
    found = {name: unanswered.copy() for name in labels}
    for at, row in enumerate(rows):
        if row.is_answered and isinstance(row.wrong, list):
            for name in row.wrong:
                found[name][at] = True
    return found


def _count(bins: Integers) -> Integers:
    return np.bincount(bins, minlength=len(THRESHOLDS)).astype(np.int64)


def _accumulate(audited: Integers, errors: Integers) -> Tally:
    return Tally(np.cumsum(audited[::-1]), np.cumsum(errors[::-1]))


def _chain_hash(before: str, rows: Sequence[SampledUnit]) -> str:
    """SHA-256 over ids, groups and errors, each with the hash before it: the same however the audits were batched."""
    digest = bytes.fromhex(before)
    for row in rows:
        wrong = sorted(row.wrong) if isinstance(row.wrong, list) and row.is_answered else row.is_error
        digest = hashlib.sha256(digest + f"{row.id} {wrong} {row.group}".encode()).digest()
    return digest.hex()
