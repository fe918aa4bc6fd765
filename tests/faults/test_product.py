"""Each part of a running product is broken under load: nothing that was accepted is lost, and all of it goes on.

The quick form holds each fault for seconds. `make faults` holds it for a minute: FAULT_SECONDS.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from escalation.monitoring.sweeps import SWEEPS, TASK_QUEUES
from tests.helpers.checkout import wait_until
from tests.helpers.product_load import ProductLoad
from tests.helpers.running_product import RunningProduct

pytestmark = pytest.mark.fault

FAULT_SECONDS = float(os.environ.get("FAULT_SECONDS", "2"))
RECOVERY_SECONDS = 10
DISK = "512m"

# What a process may say while the database, or the broker, is away.
DATABASE_AWAY = (r"database unavailable", r"sweep\.database_unavailable", r"request_finished .*code=503")
# A worker may end when its broker refuses it, and is then replaced.
BROKER_AWAY = (
    r"consumer: Cannot connect to",
    r"Connection to broker lost",
    r"redis\.exceptions",
    r"worker\.(ended|stalled)",
)


@pytest.fixture(scope="module")
def product() -> Iterator[RunningProduct]:
    """One for all tests of the module, on a disk of its own where that can be had: see `disk`."""
    with tempfile.TemporaryDirectory(prefix="reviewqueue-") as folder, ExitStack() as mounted:
        root, logs = Path(folder) / "product", Path(folder) / "log"
        for path in (root, logs):
            path.mkdir()
        if _mount_disk(root):
            mounted.callback(subprocess.run, ["umount", "--lazy", str(root)], check=True)
        for path in (root, root.parent):
            path.chmod(0o755)  # under root, the user that PostgreSQL runs as has to get in
        (root / "log").symlink_to(logs)  # a full disk must not keep errors from being seen
        product = RunningProduct(root)
        try:
            product.start()
            yield product
        finally:
            product.stop()


def _mount_disk(root: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(root)]
    return os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0


@contextlib.contextmanager
def load(
    product: RunningProduct, *, expected: tuple[str, ...] = (), pause_seconds: float = 0.05
) -> Iterator[ProductLoad]:
    """Load while the block runs; afterwards nothing is lost, and everything runs again within ten seconds."""
    product.mark_logs()
    with _showing_logs(product):
        yield from _load(product, expected, pause_seconds)


def _load(product: RunningProduct, expected: tuple[str, ...], pause_seconds: float) -> Iterator[ProductLoad]:
    found = ProductLoad(product, name=f"f{time.monotonic_ns()}", pause_seconds=pause_seconds)
    with found.running():
        wait_until(lambda: len(found.acknowledged) > 5 and bool(found.verdicts))
        yield found
        over = time.monotonic()
        before = len(found.acknowledged)
        wait_until(lambda: _late_sweeps(product) == [], seconds=RECOVERY_SECONDS)
        wait_until(lambda: len(found.acknowledged) > before, seconds=RECOVERY_SECONDS)
        took = time.monotonic() - over
    assert took < 2 * RECOVERY_SECONDS
    _assert_nothing_is_lost(product, found)
    errors = product.find_log_errors(expected)
    assert errors == [], "\n".join(errors[:40])


@contextlib.contextmanager
def _showing_logs(product: RunningProduct) -> Iterator[None]:
    try:
        yield
    except BaseException:
        print(product.read_logs())  # noqa: T201 - pytest shows it when the test fails
        raise


def _late_sweeps(product: RunningProduct) -> list[str]:
    """Those that have not run for one and a half times their period and a few seconds."""
    try:
        ages = dict(
            product.fetch("SELECT name, EXTRACT(epoch FROM clock_timestamp() - at)::float FROM escalation_heartbeat")
        )
    except psycopg.OperationalError:
        return ["database"]
    return [sweep.name for sweep in SWEEPS if ages.get(sweep.name, 1e9) > sweep.every * 1.5 + 3]


def _assert_nothing_is_lost(product: RunningProduct, found: ProductLoad) -> None:
    wait_until(lambda: _count_waiting(product, found) == (0, 0), seconds=20)
    routed = product.fetch(
        "SELECT o.external_id FROM escalation_output o JOIN escalation_route r ON r.output_id = o.id "
        "WHERE o.external_id = ANY(%s)",
        found.acknowledged,
    )
    assert sorted(row[0] for row in routed) == sorted(found.acknowledged)
    assert product.fetch("SELECT output_id FROM escalation_route WHERE reason = 'dispatch_failed'") == []
    assert 500 not in found.statuses, found.statuses
    assert set(found.waits) <= {"5"}, "each 503 says when to come back"
    assert product.ask("check_ledger") == ""


def _count_waiting(product: RunningProduct, found: ProductLoad) -> tuple[int, int]:
    """Outputs that are not routed, and acknowledged verdicts whose item is not settled."""
    ((received,),) = product.fetch("SELECT count(*) FROM escalation_output WHERE state = 'received'")
    ((unsettled,),) = product.fetch(
        "SELECT cardinality(%s::bigint[]) - count(*) FROM reviewqueue_verdict v JOIN reviewqueue_item i "
        "ON i.id = v.item_id AND i.state = 'settled' WHERE v.id = ANY(%s)",
        found.verdicts,
        found.verdicts,
    )
    return received, unsettled


def _hold() -> None:
    """Leave the fault as it is for a while: there is nothing to wait for."""
    time.sleep(FAULT_SECONDS)


def _degraded(product: RunningProduct) -> list[str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{product.port}/readyz", timeout=10) as answer:
            found: list[str] = json.load(answer)["degraded"]
    except urllib.error.HTTPError as refused:
        found = json.load(refused)["degraded"]
    return found


def test_the_database_is_stopped_at_once(product: RunningProduct) -> None:
    with load(product, expected=DATABASE_AWAY) as found:
        product.stop_database()
        try:
            wait_until(lambda: found.statuses[503] > 0)
            assert _degraded(product) == ["database"]
            _hold()
        finally:
            product.start_database()


def test_the_disk_of_the_database_is_full(product: RunningProduct) -> None:
    if not os.path.ismount(product.root):
        pytest.skip("A full disk needs one of its own: run as root where tmpfs can be mounted.")
    with load(product, expected=DATABASE_AWAY) as found:
        ballast = product.root / "ballast"
        try:
            _fill_disk(ballast)
            wait_until(lambda: "database" in _degraded(product))
            wait_until(lambda: found.statuses[503] > 0)
            _hold()
        finally:
            ballast.unlink()
        if not product.database_runs:  # it ends when there is no room for its log
            product.start_database()
    assert _degraded(product) == []


def _fill_disk(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_the_connections_of_the_database_are_exhausted(product: RunningProduct) -> None:
    with load(product, expected=DATABASE_AWAY) as found, ExitStack() as held:
        until = time.monotonic() + FAULT_SECONDS
        while time.monotonic() < until or not found.statuses[503]:
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    held.enter_context(product.connect()).execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reviewqueue'"
                    )


def test_long_locks_are_answered_with_503_and_given_up_by_sweeps(product: RunningProduct) -> None:
    with load(product, expected=DATABASE_AWAY) as found, product.connect() as connection, connection.transaction():
        connection.execute("LOCK escalation_output, reviewqueue_item")
        wait_until(lambda: found.statuses[503] > 1)
        _hold()


def test_the_broker_is_gone(product: RunningProduct) -> None:
    with load(product, expected=BROKER_AWAY) as found:
        product.stop_broker()
        try:
            before = len(found.acknowledged)
            _hold()
            wait_until(lambda: len(found.acknowledged) > before)
        finally:
            product.start_broker()


def test_the_broker_is_full(product: RunningProduct) -> None:
    with load(product, expected=(*BROKER_AWAY, "^Traceback")), product.broker() as broker:
        broker.config_set("maxmemory", 1)
        try:
            _hold()
        finally:
            broker.config_set("maxmemory", 0)


def test_the_password_of_the_broker_is_changed(product: RunningProduct) -> None:
    with load(product, expected=(*BROKER_AWAY, "^Traceback")), product.broker() as broker:
        broker.config_set("requirepass", "changed")
        try:
            broker.execute_command("AUTH", "changed")
            broker.client_kill_filter(_type="normal", skipme=True)
            _hold()
        finally:
            broker.execute_command("AUTH", "changed")
            broker.config_set("requirepass", "")


def test_workers_are_killed_again_and_again(product: RunningProduct) -> None:
    killed = (r"worker\.ended", r"exited with exitcode", r"Worker exited prematurely", r"WorkerLostError", "Traceback")
    with load(product, expected=killed):
        until = time.monotonic() + FAULT_SECONDS
        for place in range(1000):
            workers = product.pids("workers")
            product.kill([workers[place % len(workers)]])
            time.sleep(1)
            if time.monotonic() > until and place >= len(TASK_QUEUES):
                break


def test_hung_workers_go_on(product: RunningProduct) -> None:
    replaced = (r"worker\.hung", r"worker\.ended")  # those that stand still for long
    with load(product, expected=replaced), product.paused(product.pids("workers")[1:]):
        _hold()


def test_on_a_saturated_machine_every_sweep_still_runs(product: RunningProduct) -> None:
    """The workers stand still seven eighths of the time, and more is posted than they could announce one by one."""
    with load(product, pause_seconds=0.0):
        ((began,),) = product.fetch("SELECT clock_timestamp()")
        until = time.monotonic() + FAULT_SECONDS
        while time.monotonic() < until or _have_not_run_since(product, began):
            with product.paused(product.pids("workers")):
                time.sleep(0.14)
            time.sleep(0.02)
            assert time.monotonic() < until + 40, _have_not_run_since(product, began)


def _have_not_run_since(product: RunningProduct, moment: datetime) -> list[str]:
    ran = {row[0] for row in product.fetch("SELECT name FROM escalation_heartbeat WHERE at > %s", moment)}
    return [sweep.name for sweep in SWEEPS if sweep.every <= 10 and sweep.name not in ran]


def test_the_web_is_killed_between_the_commit_and_the_answer(product: RunningProduct) -> None:
    """It wakes a worker after the commit, and a broker that does not answer holds it there."""
    with load(product, expected=(r"was sent SIGKILL",)) as found:
        until = time.monotonic() + FAULT_SECONDS
        while time.monotonic() < until or not found.statuses[200]:
            assert time.monotonic() < until + 40, "no request was killed at that place"
            _kill_web_after_commit(product)
            answered = len(found.acknowledged)
            wait_until(lambda: len(found.acknowledged) > answered)  # noqa: B023 - called at once


def _kill_web_after_commit(product: RunningProduct) -> None:
    with product.paused([product.broker_pid]):
        before = _count_outputs(product)
        wait_until(lambda: _count_outputs(product) > before)
        product.kill(product.pids("web")[1:])


def _count_outputs(product: RunningProduct) -> int:
    return int(product.fetch("SELECT count(*) FROM escalation_output")[0][0])
