"""What a log line holds besides its message."""

from __future__ import annotations

import logging


def drop_client_traceback(record: logging.LogRecord) -> bool:
    """Log a request that we refuse (a forged host, a page that does not exist) as one line: it is no bug of ours.

    A logging filter; it passes every record.
    """
    if getattr(record, "status_code", 500) < 500:
        record.exc_info = record.exc_text = None
    return True
