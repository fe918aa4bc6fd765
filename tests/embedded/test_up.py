"""`manage.py up` end to end: real processes, really killed."""

import os
import signal
import socket
import urllib.error
import urllib.request

import psycopg
import pytest

from config.embedded import environment
from tests.helpers.checkout import Checkout, UpProcess, have_all_ended, wait_until

pytestmark = pytest.mark.fault


def test_a_second_up_says_where_the_first_one_runs(checkout: Checkout, up: UpProcess) -> None:
    second = checkout.start()

    assert second.wait_until_exit() == 1
    assert f"already running: {up.url}" in second.output_text
    assert is_healthy(up)


def test_commands_in_another_terminal_find_the_running_servers(checkout: Checkout, up: UpProcess) -> None:
    assert checkout.manage("migrate", "--check").returncode == 0


def test_without_servers_a_command_names_both_ways_to_get_them(checkout: Checkout) -> None:
    refused = checkout.manage("migrate", "--check")

    assert refused.returncode == 1
    assert "make up" in refused.stderr
    assert "DATABASE_URL" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_taken_port_is_refused_before_anything_starts(checkout: Checkout) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        up = checkout.start(port=port)

        assert up.wait_until_exit() == 1
    assert f"127.0.0.1:{port}" in up.output_text
    assert f"--port {port + 1}" in up.output_text
    assert "Starting" not in up.output_text


def test_however_it_ends_no_process_remains_and_the_data_is_kept(checkout: Checkout) -> None:
    up = checkout.start()
    up.wait_until_ready()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        write_row(checkout, number)
        family = up.process_tree()
        assert len(family) > 8, number

        os.kill(up.process.pid, number)
        up.wait_until_exit()
        wait_until(lambda family=family: have_all_ended(family))  # type: ignore[misc]

        up = checkout.start()
        up.wait_until_ready()
        assert has_row(checkout, number), number


def test_killing_the_parent_make_stops_everything(checkout: Checkout) -> None:
    up = checkout.start_below_make()
    up.wait_until_ready()
    family = up.process_tree()

    up.process.kill()

    wait_until(lambda: have_all_ended(family))
    up.wait_until_exit()


def test_a_start_stops_leftover_processes_when_the_watchdog_was_killed_too(checkout: Checkout, up: UpProcess) -> None:
    family = up.process_tree()
    port = int(up.url.rpartition(":")[2])

    os.kill(up.find_process("watchdog.py"), signal.SIGKILL)
    up.process.kill()
    up.wait_until_exit()
    again = checkout.start(port=port)
    again.wait_until_ready()

    assert have_all_ended(family)


def test_a_killed_web_server_and_workers_are_restarted(up: UpProcess) -> None:
    web, workers = up.find_process("gunicorn"), up.find_process("config.workers")

    os.kill(web, signal.SIGKILL)
    os.kill(workers, signal.SIGKILL)

    wait_until(lambda: up.output_text.count("Restarting in") == 2)
    wait_until(lambda: is_healthy(up))
    wait_until(lambda: up.find_process("config.workers") != workers)


def test_when_its_database_dies_it_reports_that_and_stops(up: UpProcess) -> None:
    family = up.process_tree()

    os.kill(up.find_process("bin/postgres"), signal.SIGKILL)

    assert up.wait_until_exit() == 1
    assert "PostgreSQL exited unexpectedly (signal 9)" in up.output_text
    wait_until(lambda: have_all_ended(family))


def is_healthy(up: UpProcess) -> bool:
    try:
        with urllib.request.urlopen(f"{up.url}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def write_row(checkout: Checkout, number: int) -> None:
    with connect(checkout) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [number])


def has_row(checkout: Checkout, number: int) -> bool:
    with connect(checkout) as connection:
        return bool(connection.execute("SELECT FROM kept WHERE number = %s", [number]).fetchall())


def connect(checkout: Checkout) -> psycopg.Connection:
    return psycopg.connect(environment.read_variables(checkout.root / "var/run/env")["DATABASE_URL"])
