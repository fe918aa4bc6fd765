#!/usr/bin/env python
"""Django's commands, with the environment that they need found or made first."""

import os
import sys
from pathlib import Path

if sys.version_info < (3, 12):  # noqa: UP036 -- what a bare `python` may still be
    sys.exit("This needs Python 3.12 or newer: use .venv/bin/python manage.py, which `make up` makes.")
try:
    from django.core.management import execute_from_command_line

    from config import env
    from config.embedded import StartRefused, environment
    from config.embedded.layout import FolderLayout
except ModuleNotFoundError as missing:
    sys.exit(f"{missing}: use .venv/bin/python manage.py, which `make up` makes.")

VAR = Path(__file__).resolve().parent / "var"

# These need no database; whether the settings load without one is for the settings to say.
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
    """Fill in what the settings are about to read. Raises StartRefused."""
    if command == "up":
        environment.fill_for_embedded(FolderLayout(VAR), os.environ)
    elif command not in OFFLINE and not os.environ.get("DATABASE_URL"):
        environment.fill_from_running(FolderLayout(VAR), os.environ)


if __name__ == "__main__":
    main()
