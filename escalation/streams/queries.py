"""The statements of streams."""

from __future__ import annotations

from escalation.models import Stream

COLUMN_NAMES = [field.attname for field in Stream._meta.concrete_fields]

# A stream by its slug.
GET_STREAM = f"SELECT {', '.join(COLUMN_NAMES)} FROM escalation_stream WHERE slug = %s"
