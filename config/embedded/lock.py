"""A file lock that one process can hold; the system releases it when the holder dies."""

import fcntl
import os
import time
from pathlib import Path


class FileLock:
    """An exclusive lock on `path`; the file's text may describe the holder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, *, wait: float) -> bool:
        """Take the lock, waiting up to `wait` seconds; returns whether it succeeded."""
        # Not inherited by children, unless `fileno` is passed on explicitly.
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + wait
        while not _flock(self._file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                self.release()
                return False
            time.sleep(0.05)
        os.ftruncate(self._file, 0)
        return True

    def write(self, text: str) -> None:
        """Store `text` for processes that fail to take the lock."""
        os.ftruncate(self.fileno(), 0)
        os.pwrite(self.fileno(), text.encode(), 0)

    def fileno(self) -> int:
        if self._file is None:
            raise ValueError(f"{self._path} is not held.")
        return self._file

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def is_held(path: Path) -> bool:
    """Whether the lock is held. The check takes a shared lock for an instant, so others should retry taking it."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _flock(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def _flock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
