"""Turn every way of stopping a foreground command into one exception."""

import os
import signal
import threading
import time
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM, a closed terminal, or the death of the parent make. `except Exception` does not catch it."""


def install_stop_handlers() -> None:
    """Make the first stop signal raise StopRequested in the main thread; later ones are ignored."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # ignored on purpose, as by nohup
            signal.signal(number, _raise_stop_requested)
    if "MAKELEVEL" in os.environ:
        threading.Thread(target=_follow_parent, args=(os.getppid(),), name="follow make", daemon=True).start()


def _raise_stop_requested(number: int, frame: FrameType | None) -> None:
    for each in STOP_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise StopRequested


def _follow_parent(parent: int) -> None:
    """Stop when the parent does: `kill -9` of make leaves its recipe running with another parent."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGTERM)
