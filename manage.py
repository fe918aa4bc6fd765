#!/usr/bin/env python
"""Run Django commands; finds or creates the environment variables they need first."""

import os
import sys
from collections.abc import MutableMapping, Sequence
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

# Commands that need no database, but do need the settings.
OFFLINE = {"check", "collectstatic", "makemigrations", "spectacular"}
# Questions about the commands, which need neither.
HELP = {"help", "--help", "-h", "version", "--version"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        prepare_environment(sys.argv[1:], FolderLayout(VAR), os.environ)
        execute_from_command_line(sys.argv)
    except (StartRefused, env.InvalidSetting) as reason:
        sys.exit(str(reason))


def prepare_environment(arguments: Sequence[str], layout: FolderLayout, variables: MutableMapping[str, str]) -> None:
    """Set the environment variables that the settings read. Raises StartRefused."""
    command = arguments[0] if arguments else "help"
    if command in HELP or not {"-h", "--help"}.isdisjoint(arguments):
        environment.fill_for_help(variables)
    elif command == "up":
        environment.fill_for_embedded(layout, variables)
    elif not variables.get("DATABASE_URL"):
        try:
            environment.fill_from_running(layout, variables)
        except StartRefused:
            if command not in OFFLINE:
                raise


if __name__ == "__main__":
    main()
