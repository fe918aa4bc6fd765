"""The benches run, each in a database of its own, and print what they measured."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What stands above the tables of each bench, in the order in which they run.
TITLES = [
    "Outputs taken in over HTTP",
    "Outputs routed by one worker",
    "Answers at 200 posts/s",
    "Claims, one review each",
    "Claims, two reviews each",
    "An answer and the next item over HTTP",
    "On the screen",
    "Guarantees broken, and outputs automated",
    "An evaluation, from confidences and errors",
    "Through the whole product",
    "Fields of",
    "Documents",
    "audits of",
    "outputs of",
    "The ledger of",
]


@pytest.mark.scale
def test_every_bench_prints_its_tables() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick"], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-4000:]
    places = [ran.stdout.find(title) for title in TITLES]
    assert -1 not in places, ran.stdout
    assert places == sorted(places)
    assert len(re.findall(r"^\S.*\d", ran.stdout, re.MULTILINE)) > len(TITLES)
    assert "Memory at rest" in ran.stdout or "memory: `make up` is not running" in ran.stdout
