"""How long the statements of web and worker processes may wait and run. Commands such as `migrate` are exempt."""

from __future__ import annotations

from django.conf import settings
from django.db import connections


def limit_database_waits(process: str) -> None:
    """Apply the limits of `settings.DATABASE_LIMITS` to the connections that this process opens from now on."""
    options = connections.settings["default"]["OPTIONS"]
    for name, milliseconds in settings.DATABASE_LIMITS[process].items():
        options["options"] += f" -c {name}={milliseconds}"
