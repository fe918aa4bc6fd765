"""Calibration: how confidence compares with accuracy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The outputs between two confidences: their mean confidence, their accuracy, and its interval."""

    low: float
    high: float
    n: int
    mean_confidence: float
    accuracy: float
    interval: tuple[float, float]
