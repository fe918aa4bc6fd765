"""The ways in which a foreground command is asked to end, all turned into one exception."""

import os
import signal
import threading
import time
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM, a closed terminal, or the death of the make above. No `except Exception` stops it."""


def install_stop_handlers() -> None:
    """From now on the first of those signals raises Asked in the main thread; later ones are ignored."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's wish
            signal.signal(number, _raise_stop_requested)
    if "MAKELEVEL" in os.environ:
        threading.Thread(target=_follow_parent, args=(os.getppid(),), name="follow make", daemon=True).start()


def _raise_stop_requested(number: int, frame: FrameType | None) -> None:
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise StopRequested


def _follow_parent(parent: int) -> None:
    """End with the parent: `kill -9` of make leaves its recipe running, as a child of someone else."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGTERM)
