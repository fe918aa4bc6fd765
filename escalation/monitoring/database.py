"""Whether the database can take what people and producers send."""

from __future__ import annotations

from django.db import OperationalError, transaction

from escalation.monitoring import queries
from reviewqueue.kernel import sql

PROBE_ROWS = 60_000  # about a megabyte, which has to fit on the disk


def is_writable() -> bool:
    """Whether writes would succeed: not read-only, with room on its disk, and soon. Raises OperationalError if it is
    down."""
    try:
        with transaction.atomic():
            if sql.fetch_value(queries.IS_READ_ONLY):
                return False
            sql.fetch_value(queries.LIMIT_PROBE)
            sql.fetch_value(queries.SPILL_TO_DISK, [PROBE_ROWS])
    except OperationalError as error:
        if sql.is_disk_full(error) or sql.is_timeout(error):
            return False
        raise
    return True
