"""The ways in which a foreground command is asked to end, all turned into one exception."""

import os
import signal
import threading
import time
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Asked(BaseException):
    """Ctrl-C, SIGTERM, a closed terminal, or the death of the make above. No `except Exception` stops it."""


def listen() -> None:
    """From now on the first of those signals raises Asked in the main thread; later ones are ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup's wish
            signal.signal(number, _raise_asked)
    if "MAKELEVEL" in os.environ:
        threading.Thread(target=_follow, args=(os.getppid(),), name="follow make", daemon=True).start()


def _raise_asked(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Asked


def _follow(parent: int) -> None:
    """End with the parent: `kill -9` of make leaves its recipe running, as a child of someone else."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGTERM)
