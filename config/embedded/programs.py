"""The web and worker processes as `up` runs them: with little memory, for one machine."""

import os
import signal
import sys
from pathlib import Path

from config.embedded.layout import FolderLayout
from config.embedded.supervisor import Program

# One linear algebra thread per process: the arrays are small, and idle threads cost memory.
LOW_MEMORY_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


def build_web_program(layout: FolderLayout, *, folder: Path, listener: int) -> Program:
    """Gunicorn on an already open socket, so that no other process can take its port, not even during a restart."""
    return Program(
        name="Web",
        arguments=[
            *(sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py"),
            *("--bind", f"fd://{listener}", "config.wsgi"),
        ],
        log=layout.logs / "web.log",
        rank=10,
        signals=[(signal.SIGTERM, 10), (signal.SIGKILL, 5)],
        environment=os.environ | LOW_MEMORY_ENVIRONMENT,
        folder=folder,
        inherited=(listener,),
    )


def build_workers_program(layout: FolderLayout, *, folder: Path) -> Program:
    """The Celery workers of all task queues.

    Interrupted work is redone after a kill, because the rows are the source of truth.
    """
    return Program(
        name="Workers",
        arguments=[sys.executable, "-m", "config.workers"],
        log=layout.logs / "worker.log",
        rank=20,
        signals=[(signal.SIGTERM, 15), (signal.SIGKILL, 5)],
        environment=os.environ | LOW_MEMORY_ENVIRONMENT,
        folder=folder,
    )
