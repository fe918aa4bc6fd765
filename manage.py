#!/usr/bin/env python
"""Run Django commands; finds or creates the environment variables they need first."""

import os
import sys
from pathlib import Path

if sys.version_info < (3, 12):  # noqa: UP036 -- a bare `python` may be older
    sys.exit("reviewqueue needs Python 3.12 or newer. Run `make up` once, then use .venv/bin/python manage.py.")
try:
    from django.core.management import execute_from_command_line

    from config import env
    from config.embedded import StartRefused, environment
    from config.embedded.layout import FolderLayout
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}. Run `make up` once, then use .venv/bin/python manage.py.")

VAR = Path(__file__).resolve().parent / "var"

# Commands that need no database. They still need every setting without a default.
OFFLINE = {
    "",
    "help",
    "--help",
    "-h",
    "version",
    "--version",
    "check",
    "collectstatic",
    "makemigrations",
    "spectacular",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        prepare_environment(sys.argv[1] if len(sys.argv) > 1 else "")
        execute_from_command_line(sys.argv)
    except (StartRefused, env.InvalidSetting) as reason:
        sys.exit(str(reason))


def prepare_environment(command: str) -> None:
    """Set the environment variables that the settings read. Raises StartRefused."""
    if command == "up":
        environment.fill_for_embedded(FolderLayout(VAR), os.environ)
    elif command not in OFFLINE and not os.environ.get("DATABASE_URL"):
        environment.fill_from_running(FolderLayout(VAR), os.environ)


if __name__ == "__main__":
    main()
