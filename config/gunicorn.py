"""Gunicorn settings; the command line and GUNICORN_CMD_ARGS override them."""

import gc

from django.urls import get_resolver

bind = ["0.0.0.0:8000"]
worker_class = "gthread"
workers = 2
threads = 4
keepalive = 5
timeout = 60
graceful_timeout = 8
loglevel = "warning"
control_socket_disable = True

# Load the application before forking, so that the workers share its memory.
preload_app = True


def when_ready(server: object) -> None:
    """Load what the first request would load, mainly the views."""
    _ = get_resolver().url_patterns


def pre_fork(server: object, worker: object) -> None:
    """Keep the garbage collector from writing to, and so copying, the memory pages the workers share."""
    gc.collect()
    gc.freeze()
