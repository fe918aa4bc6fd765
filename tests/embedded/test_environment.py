"""Secrets, folders, and the variables that one `manage.py` passes to the next."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config.embedded import StartRefused, environment, layout
from config.embedded.layout import FolderLayout
from tests.helpers.checkout import REPOSITORY


@pytest.mark.parametrize("arguments", [("help",), ("apply", "--help"), ("help", "create_key")])
def test_help_needs_neither_secrets_nor_servers(arguments: tuple[str, ...]) -> None:
    bare = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=REPOSITORY, env=bare, capture_output=True, text=True, check=True
    )
    assert ("usage: manage.py" in done.stdout) if arguments[-1] != "help" else ("check_ledger" in done.stdout)
    assert not done.stderr


def test_secrets_are_generated_once_and_readable_only_by_their_owner(tmp_path: Path) -> None:
    place = FolderLayout(tmp_path / "var")
    first: dict[str, str] = {"DATABASE_URL": "postgresql://elsewhere/x", "REDIS_URL": "redis://elsewhere/0"}
    second = dict(first)

    environment.fill_for_embedded(place, first)
    environment.fill_for_embedded(place, second)

    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert len(first["SECRET_KEY"]) >= 50
    assert stat.S_IMODE(place.secrets.stat().st_mode) == 0o600


def test_variables_that_are_set_stay_unchanged(tmp_path: Path) -> None:
    variables = {
        "DATABASE_URL": "postgresql://elsewhere/x",
        "REDIS_URL": "redis://elsewhere/0",
        "SECRET_KEY": "mine",
    }

    environment.fill_for_embedded(FolderLayout(tmp_path / "var"), variables)

    assert variables["DATABASE_URL"] == "postgresql://elsewhere/x"
    assert variables["SECRET_KEY"] == "mine"


def test_variables_are_read_back_as_written(tmp_path: Path) -> None:
    variables = {"A": "plain", "B": "with 'quotes', spaces and #", "C": "postgresql://x@/y?host=%2Ftmp"}

    environment.write_variables(tmp_path / "env", variables)

    assert environment.read_variables(tmp_path / "env") == variables
    assert stat.S_IMODE((tmp_path / "env").stat().st_mode) == 0o600


def test_joining_is_refused_when_only_a_crashed_run_left_its_file(tmp_path: Path) -> None:
    place = FolderLayout(tmp_path / "var")
    place.make_folders()
    environment.publish_variables(place, dict.fromkeys(environment.SHARED_VARIABLES, "stale"))

    with pytest.raises(StartRefused, match="No database"):
        environment.fill_from_running(place, {})


def test_another_users_folder_is_refused_with_their_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = FolderLayout(tmp_path / "var")
    place.make_folders()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    with pytest.raises(StartRefused, match="belongs to"):
        place.make_folders()


def test_a_private_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "socket").mkdir()

    with pytest.raises(StartRefused, match="belongs to"):
        layout.make_private_folder(tmp_path / "socket", uid=os.getuid() + 1, gid=os.getgid())


def test_a_link_instead_of_a_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "socket").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StartRefused, match="link"):
        layout.make_private_folder(tmp_path / "socket", uid=os.getuid(), gid=os.getgid())
