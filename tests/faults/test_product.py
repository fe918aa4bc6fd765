"""Each part of a running product is broken under load: nothing that was accepted is lost, and all of it goes on.

The quick form holds each fault for seconds. `make faults` holds it for a minute: FAULT_SECONDS.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

import pytest

from tests.helpers import faults
from tests.helpers.checkout import wait_until
from tests.helpers.faults import FAULTS, RECOVERY_SECONDS, Fault
from tests.helpers.product_load import ProductLoad
from tests.helpers.running_product import RunningProduct

pytestmark = pytest.mark.fault

FAULT_SECONDS = float(os.environ.get("FAULT_SECONDS", "2"))


@pytest.fixture(scope="module")
def product() -> Iterator[RunningProduct]:
    """One for all tests of the module."""
    with faults.product_on_a_disk_of_its_own() as found:
        yield found


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_nothing_is_lost_and_everything_goes_on_after(fault: Fault, product: RunningProduct) -> None:
    product.mark_logs()
    load = ProductLoad(product, name=f"f{time.monotonic_ns()}")
    with _showing_logs(product):
        with load.running():
            wait_until(lambda: len(load.acknowledged) > 5 and bool(load.verdicts))
            fault.hold(product, load, FAULT_SECONDS)
            _assert_all_goes_on(product, load)
        wait_until(lambda: load.count_unfinished() == (0, 0), seconds=20)
        _assert_nothing_is_lost(product, load)
        errors = product.find_log_errors(fault.expected)
        assert errors == [], "\n".join(errors[:40])


def _assert_all_goes_on(product: RunningProduct, load: ProductLoad) -> None:
    before = len(load.acknowledged)
    wait_until(
        lambda: len(load.acknowledged) > before and faults.find_old_sweeps(product) == [], seconds=RECOVERY_SECONDS
    )
    wait_until(lambda: faults.find_degraded(product) == [], seconds=RECOVERY_SECONDS)


def _assert_nothing_is_lost(product: RunningProduct, load: ProductLoad) -> None:
    assert load.find_lost_outputs() == []
    assert product.fetch("SELECT output_id FROM escalation_route WHERE reason = 'dispatch_failed'") == []
    assert 500 not in load.statuses, load.statuses
    assert set(load.waits) <= {"5"}, "each 503 says when to come back"
    assert product.ask("check_ledger") == ""


@contextlib.contextmanager
def _showing_logs(product: RunningProduct) -> Iterator[None]:
    try:
        yield
    except BaseException:
        print(product.read_logs())  # noqa: T201 - pytest shows it when the test fails
        raise
