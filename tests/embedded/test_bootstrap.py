"""How `bin/bootstrap` finds a Python."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.checkout import REPOSITORY

BROKEN_SHIM = "#!/bin/sh\necho 'pyenv: version is not installed' >&2\nexit 127\n"
TOO_OLD = "#!/bin/sh\nexit 1\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder to be the whole PATH, with what the script itself calls."""
    for name in ("sh", "dirname", "cat"):
        program = shutil.which(name)
        assert program is not None
        (tmp_path / name).symlink_to(program)
    return tmp_path


def test_it_skips_broken_shims_and_pythons_that_are_too_old(path: Path) -> None:
    for name in ("python3.14", "python3.13", "python3.12"):
        add(path / name, BROKEN_SHIM)
    add(path / "python3", TOO_OLD)
    add(path / "python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')

    found = find(path)

    assert found.stdout.strip() == str(path / "python")


def test_it_finds_a_pyenv_python_that_is_not_on_the_path(path: Path) -> None:
    add(path / "python3", BROKEN_SHIM)
    add(path / ".pyenv/versions/3.12.1/bin/python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')

    found = find(path)

    assert found.stdout.strip() == str(path / ".pyenv/versions/3.12.1/bin/python")


def test_without_a_python_it_says_in_one_line_what_to_install(path: Path) -> None:
    found = find(path)

    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.startswith("No Python 3.12 or newer found. Install one")
    assert found.stderr.count("\n") == 1


def find(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REPOSITORY / "bin/bootstrap", "--find"],
        env={"PATH": str(path), "HOME": str(path)},
        capture_output=True,
        check=False,
        text=True,
    )


def add(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
