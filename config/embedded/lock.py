"""A file that one process at a time can hold, and that the system lets go of when its holder dies."""

import fcntl
import os
import time
from pathlib import Path


class FileLock:
    """An exclusive lock on `path`, whose text may say something about the holder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, *, wait: float) -> bool:
        """Whether the lock was free within `wait` seconds."""
        # Not inherited by children, except where `fileno` is handed on by intent.
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
        """Let those who come too late read `text`."""
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
    """Whether someone holds the lock. Asking takes it for an instant, shared, so a taker should try twice."""
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
