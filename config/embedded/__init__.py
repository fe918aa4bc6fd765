"""Embedded PostgreSQL and Valkey servers below one folder, for machines that have neither.

This package does not depend on Django, so that it can run before the settings load. Tests use `run_servers`;
`manage.py up` combines the same parts with the web server and the worker.
"""

from config.embedded.refusal import StartRefused
from config.embedded.servers import ServerUrls, run_servers

__all__ = ["ServerUrls", "StartRefused", "run_servers"]
