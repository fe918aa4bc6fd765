"""Posts and reviews while each fault is injected in turn: how old each sweep gets, and what is lost."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks import tables
from tests.helpers import faults
from tests.helpers.faults import FAULTS, Fault
from tests.helpers.product_load import ProductLoad
from tests.helpers.running_product import RunningProduct

PRODUCERS = 6  # which post some 100 times a second together, with the pause of each
LOOK_EVERY_SECONDS = 0.2
CATCH_UP_SECONDS = 60.0


@dataclass(slots=True)
class _Figures:
    """The ages of the oldest sweep, in seconds, while the database answers; when all were young again, and losses."""

    during: float = 0.0
    after: float = 0.0
    young_seconds: float = math.inf
    outputs: int = 0
    verdicts: int = 0
    lost: tuple[int, int] = (0, 0)
    failed: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return self.young_seconds <= faults.RECOVERY_SECONDS and self.lost == (0, 0) and not self.errors


def show(hold_seconds: float) -> None:
    """Print the figures of every fault. Raises SystemExit if one was not survived as it should be."""
    with faults.product_on_a_disk_of_its_own(variables={"API_KEY_REQUESTS_PER_SECOND": "0"}) as product:
        measured = {fault.name: _measure(product, fault, hold_seconds) for fault in FAULTS}
        violated = product.ask("check_ledger")
    tables.show(
        f"Each fault for {hold_seconds:.0f} s under load: the oldest sweep, and what is lost",
        ["", "oldest during", "oldest after", "all young after", "outputs", "verdicts", "lost", "requests refused"],
        [_row(name, figures) for name, figures in measured.items()],
    )
    for name, figures in measured.items():
        for line in figures.errors[:10]:
            print(f"{name}: {line}")
    if violated or not all(figures.is_good for figures in measured.values()):
        raise SystemExit(f"Something was lost, or not young again within {faults.RECOVERY_SECONDS:.0f} s. {violated}")


def _measure(product: RunningProduct, fault: Fault, hold_seconds: float) -> _Figures:
    figures, load = _Figures(), ProductLoad(product, name=f"l{time.monotonic_ns()}", producers=PRODUCERS)
    product.mark_logs()
    with load.running():
        _wait_for_young(product, figures)
        _wait_for_verdict(load)
        with _watching(product, figures):
            fault.hold(product, load, hold_seconds)
        figures.after = 0.0
        figures.young_seconds = _wait_for_young(product, figures)
    _wait_until_finished(load)
    figures.outputs, figures.verdicts = len(load.acknowledged), len(load.verdicts)
    figures.lost = (len(load.find_lost_outputs()), load.count_unfinished()[1])
    figures.failed = sum(count for status, count in load.statuses.items() if status == 0 or status >= 500)
    figures.errors = product.find_log_errors(fault.expected)
    return figures


@contextmanager
def _watching(product: RunningProduct, figures: _Figures) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_EVERY_SECONDS):
            oldest = max(faults.measure_ages(product).values())
            figures.during = max(figures.during, oldest if math.isfinite(oldest) else 0.0)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _wait_for_young(product: RunningProduct, figures: _Figures) -> float:
    """The seconds until every sweep is young; infinite if it takes too long."""
    began = time.monotonic()
    while (taken := time.monotonic() - began) < CATCH_UP_SECONDS:
        oldest = max(faults.measure_ages(product).values())
        figures.after = max(figures.after, oldest if math.isfinite(oldest) else 0.0)
        if oldest <= faults.YOUNG_SECONDS:
            return taken
        time.sleep(LOOK_EVERY_SECONDS)
    return math.inf


def _wait_for_verdict(load: ProductLoad) -> None:
    until = time.monotonic() + CATCH_UP_SECONDS
    while not load.verdicts and time.monotonic() < until:
        time.sleep(LOOK_EVERY_SECONDS)


def _wait_until_finished(load: ProductLoad) -> None:
    until = time.monotonic() + CATCH_UP_SECONDS
    while load.count_unfinished() != (0, 0) and time.monotonic() < until:
        time.sleep(LOOK_EVERY_SECONDS)


def _row(name: str, figures: _Figures) -> list[str]:
    ages = (figures.during, figures.after, figures.young_seconds)
    counts = (figures.outputs, figures.verdicts, sum(figures.lost), figures.failed)
    return [name, *(f"{seconds:.1f} s" for seconds in ages), *(f"{count:,}" for count in counts)]
