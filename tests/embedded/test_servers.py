"""The embedded servers on their own."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded import StartRefused, run_servers
from tests.helpers.checkout import REPOSITORY, wait_until

pytestmark = pytest.mark.fault
HOLD = """
import sys, pathlib
from config.embedded import run_servers
with run_servers(pathlib.Path(sys.argv[1]), disposable=True) as running:
    print(running.database_url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="reviewqueue-") as folder:
        Path(folder).chmod(0o755)  # under root, the user that PostgreSQL runs as has to get in
        yield Path(folder) / "var"


def test_concurrent_runs_use_separate_folders(root: Path) -> None:
    with run_servers(root, disposable=True) as one, run_servers(root, disposable=True) as other:
        assert one.database_url != other.database_url
        assert one.redis_url != other.redis_url


def test_the_role_can_create_databases_but_is_not_a_superuser(root: Path) -> None:
    with run_servers(root, disposable=True) as running, psycopg.connect(running.database_url) as connection:
        row = connection.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user")
        assert row.fetchone() == (False, True)


def test_servers_start_below_a_path_too_long_for_a_socket(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(root.parent))

    with run_servers(root / ("long" * 25), disposable=True) as running:
        psycopg.connect(running.database_url).close()


def test_servers_stop_when_their_process_is_killed(root: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, root],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        url = holder.stdout.readline().strip()
        psycopg.connect(url).close()
        holder.kill()
    wait_until(lambda: not (root / "socket" / ".s.PGSQL.5432").exists())
    wait_until(lambda: not (root / "postgres" / "postmaster.pid").exists())


def test_data_of_another_version_is_refused_or_recreated_when_disposable(root: Path) -> None:
    with run_servers(root, disposable=True):
        pass
    (root / "postgres" / "PG_VERSION").write_text("14\n")

    with pytest.raises(StartRefused, match="was written by PostgreSQL 14"), run_servers(root):
        pass
    with run_servers(root, disposable=True) as running:
        psycopg.connect(running.database_url).close()
