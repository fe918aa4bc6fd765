"""The faults of a running product: each breaks one part for a while, for tests and `make load ARGS=--faults`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from escalation.monitoring.sweeps import SWEEPS, TASK_QUEUES
from tests.helpers.checkout import wait_until
from tests.helpers.product_load import ProductLoad
from tests.helpers.running_product import RunningProduct

# Every sweep is younger than this, but for a fault and `RECOVERY_SECONDS` after it.
YOUNG_SECONDS = 5.0
RECOVERY_SECONDS = 10.0
PATIENCE_SECONDS = 40.0  # beyond the hold, for what a fault is about to have happened
DISK = "512m"
# A saturated machine: the workers stand still for so much of the time.
STOPPED_SECONDS, RUNNING_SECONDS = 0.14, 0.02

# What a process may say while the database, or the broker, is away.
DATABASE_AWAY = (r"database unavailable", r"sweep\.database_unavailable", r"request_finished .*code=503")
# A worker may end when its broker refuses it, and is then replaced.
BROKER_AWAY = (
    r"consumer: Cannot connect to",
    r"Connection to broker lost",
    r"redis\.exceptions",
    r"worker\.(ended|stalled)",
)
WORKERS_KILLED = (
    r"worker\.ended",
    r"exited with exitcode",
    r"Worker exited prematurely",
    r"WorkerLostError",
    r"Traceback",
    r"^BrokenPipeError",  # a child that was about to start when its main process was killed
)


@dataclass(frozen=True, slots=True)
class Fault:
    """`hold` breaks a part for so many seconds under load and mends it; `expected`: the log lines that belong to it."""

    name: str
    hold: Callable[[RunningProduct, ProductLoad, float], None]
    expected: tuple[str, ...] = ()


@contextmanager
def product_on_a_disk_of_its_own(*, variables: dict[str, str] | None = None) -> Iterator[RunningProduct]:
    """A running product whose data has a small disk to itself, where that can be mounted."""
    with tempfile.TemporaryDirectory(prefix="reviewqueue-") as folder, ExitStack() as mounted:
        root, logs = Path(folder) / "product", Path(folder) / "log"
        for path in (root, logs):
            path.mkdir()
        if _mount_disk(root):
            mounted.callback(subprocess.run, ["umount", "--lazy", str(root)], check=True)
        for path in (root, root.parent):
            path.chmod(0o755)  # under root, the user that PostgreSQL runs as has to get in
        (root / "log").symlink_to(logs)  # a full disk must not keep errors from being seen
        product = RunningProduct(root, variables=variables)
        try:
            product.start()
            yield product
        finally:
            product.stop()


def measure_ages(product: RunningProduct) -> dict[str, float]:
    """The seconds since each sweep last ended well; infinite without a database."""
    try:
        ages = dict(
            product.fetch("SELECT name, EXTRACT(epoch FROM clock_timestamp() - at)::float FROM escalation_heartbeat")
        )
    except psycopg.OperationalError:
        ages = {}
    return {sweep.name: ages.get(sweep.name, float("inf")) for sweep in SWEEPS}


def find_old_sweeps(product: RunningProduct) -> list[str]:
    """Those that have had no turn for `YOUNG_SECONDS`."""
    return [name for name, age in measure_ages(product).items() if age > YOUNG_SECONDS]


def find_degraded(product: RunningProduct) -> list[str]:
    """What the probe reports."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{product.port}/readyz", timeout=10) as answer:
            found: list[str] = json.load(answer)["degraded"]
    except urllib.error.HTTPError as refused:
        found = json.load(refused)["degraded"]
    return found


def _mount_disk(root: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(root)]
    return os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0


def _stop_database(product: RunningProduct, load: ProductLoad, seconds: float) -> None:
    refused = load.statuses[503]
    product.stop_database()
    try:
        wait_until(lambda: load.statuses[503] > refused)
        wait_until(lambda: find_degraded(product) == ["database"])
        time.sleep(seconds)
    finally:
        product.start_database()


def _fill_disk(product: RunningProduct, load: ProductLoad, seconds: float) -> None:
    assert os.path.ismount(product.root), "A full disk needs one of its own: run as root where tmpfs can be mounted."
    refused, ballast = load.statuses[503], product.root / "ballast"
    try:
        _write_until_full(ballast)
        wait_until(lambda: "database" in find_degraded(product))
        wait_until(lambda: load.statuses[503] > refused)
        time.sleep(seconds)
    finally:
        ballast.unlink()
    if not product.database_runs:  # it ends when there is no room for its log
        product.start_database()


def _write_until_full(ballast: Path) -> None:
    for size in (1 << 20, 4096):
        with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(size))


def _exhaust_connections(product: RunningProduct, load: ProductLoad, seconds: float) -> None:
    refused, until = load.statuses[503], time.monotonic() + seconds
    with ExitStack() as held:
        while time.monotonic() < until or load.statuses[503] == refused:
            assert time.monotonic() < until + PATIENCE_SECONDS, "no request was refused"
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    held.enter_context(product.connect()).execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'reviewqueue'"
                    )


def _lock_tables(product: RunningProduct, load: ProductLoad, seconds: float) -> None:
    refused = load.statuses[503]
    with product.connect() as connection, connection.transaction():
        connection.execute("LOCK escalation_output, reviewqueue_item")
        wait_until(lambda: load.statuses[503] > refused + 1)
        time.sleep(seconds)


def _stop_broker(product: RunningProduct, load: ProductLoad, seconds: float) -> None:
    product.stop_broker()
    try:
        before = len(load.acknowledged)
        time.sleep(seconds)
        wait_until(lambda: len(load.acknowledged) > before)
    finally:
        product.start_broker()


def _fill_broker(product: RunningProduct, load: ProductLoad, seconds: float) -> None:
    with product.broker() as broker:
        broker.config_set("maxmemory", 1)
        try:
            time.sleep(seconds)
        finally:
            broker.config_set("maxmemory", 0)


def _change_password_of_broker(product: RunningProduct, load: ProductLoad, seconds: float) -> None:
    with product.broker() as broker:
        broker.config_set("requirepass", "changed")
        try:
            broker.execute_command("AUTH", "changed")
            broker.client_kill_filter(_type="normal", skipme=True)
            time.sleep(seconds)
        finally:
            broker.execute_command("AUTH", "changed")
            broker.config_set("requirepass", "")


def _kill_workers(product: RunningProduct, load: ProductLoad, seconds: float) -> None:
    """One after the other, each as soon as the one before is replaced."""
    until, killed = time.monotonic() + seconds, 0
    complete = len(product.pids("workers"))
    while time.monotonic() < until or killed <= len(TASK_QUEUES):
        workers = product.pids("workers")
        victim = workers[killed % len(workers)]
        product.kill([victim])
        wait_until(lambda: victim not in (found := product.pids("workers")) and len(found) >= complete)  # noqa: B023
        killed += 1


def _pause_workers(product: RunningProduct, load: ProductLoad, seconds: float) -> None:
    with product.paused(product.pids("workers")[1:]):
        time.sleep(seconds)


def _saturate(product: RunningProduct, load: ProductLoad, seconds: float) -> None:
    """The workers stand still seven eighths of the time, and every sweep still has its turns."""
    ((began,),) = product.fetch("SELECT clock_timestamp()")
    until = time.monotonic() + seconds
    while time.monotonic() < until or _have_not_run_since(product, began):
        with product.paused(product.pids("workers")):
            time.sleep(STOPPED_SECONDS)
        time.sleep(RUNNING_SECONDS)
        assert time.monotonic() < until + PATIENCE_SECONDS, _have_not_run_since(product, began)


def _have_not_run_since(product: RunningProduct, moment: object) -> list[str]:
    ran = {row[0] for row in product.fetch("SELECT name FROM escalation_heartbeat WHERE at > %s", moment)}
    return [sweep.name for sweep in SWEEPS if sweep.name not in ran]


def _kill_web(product: RunningProduct, load: ProductLoad, seconds: float) -> None:
    """Between the commit and the answer: it wakes a worker then, and a broker that does not answer holds it there."""
    until = time.monotonic() + seconds
    repeated = load.statuses[200]
    while time.monotonic() < until or load.statuses[200] == repeated:
        assert time.monotonic() < until + PATIENCE_SECONDS, "no request was killed at that place"
        with product.paused([product.broker_pid]):
            stored = _count_outputs(product)
            wait_until(lambda: _count_outputs(product) > stored)  # noqa: B023 - called at once
            product.kill(product.pids("web")[1:])
        answered = len(load.acknowledged)
        wait_until(lambda: len(load.acknowledged) > answered)  # noqa: B023 - called at once


def _count_outputs(product: RunningProduct) -> int:
    return int(product.fetch("SELECT count(*) FROM escalation_output")[0][0])


FAULTS = (
    Fault("the database is stopped at once", _stop_database, DATABASE_AWAY),
    Fault("the disk of the database is full", _fill_disk, DATABASE_AWAY),
    Fault("the connections of the database are exhausted", _exhaust_connections, DATABASE_AWAY),
    Fault("tables are locked for long", _lock_tables, DATABASE_AWAY),
    Fault("the broker is gone", _stop_broker, BROKER_AWAY),
    Fault("the broker is full", _fill_broker, (*BROKER_AWAY, "^Traceback")),
    Fault("the password of the broker is changed", _change_password_of_broker, (*BROKER_AWAY, "^Traceback")),
    Fault("workers are killed again and again", _kill_workers, WORKERS_KILLED),
    # Those that stand still for long are replaced.
    Fault("workers hang", _pause_workers, (r"worker\.hung", r"worker\.ended")),
    Fault("the machine is saturated", _saturate),
    Fault("the web is killed between the commit and the answer", _kill_web, (r"was sent SIGKILL",)),
)
