"""Gunicorn settings; the command line and GUNICORN_CMD_ARGS override them."""

import gc

from django.urls import get_resolver

bind = ["0.0.0.0:8000"]
worker_class = "config.web.worker.ReceivingWorker"
workers = 2
# For pages and the API; probes and requests that wait have threads of their own: see config/web/lanes.py.
threads = 4
# Below the usual limit of 1,024 open files, with room for a database connection per thread.
worker_connections = 500
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
