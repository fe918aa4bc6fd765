"""Describe the machine the figures were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psycopg


def described() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {_processor()}, {_memory()}, {platform.system()}, Python {platform.python_version()}"


def database(url: str) -> str:
    """The PostgreSQL version, and whether commits wait for the disk."""
    with psycopg.connect(url) as connection:
        version, *durable = (
            str((connection.execute(f"SHOW {name}").fetchone() or ("?",))[0])
            for name in ("server_version", "fsync", "synchronous_commit")
        )
    return f"PostgreSQL {version.split()[0]}, fsync {durable[0]}, synchronous_commit {durable[1]}"


def _processor() -> str:
    return _field(Path("/proc/cpuinfo"), "model name") or platform.machine()


def _memory() -> str:
    kilobytes = _field(Path("/proc/meminfo"), "MemTotal").removesuffix(" kB")
    return f"{int(kilobytes) / 1024**2:.0f} GiB" if kilobytes else "memory unknown"


def _field(file: Path, name: str) -> str:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
