"""Statements about accounts."""

from __future__ import annotations

# Until the transaction ends, nobody else can create the first account.
LOCK_SETUP = "SELECT pg_advisory_xact_lock(%s)"
