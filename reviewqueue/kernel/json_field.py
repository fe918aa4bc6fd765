"""A JSON column that preserves key order."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.types.json import Json, Jsonb


class OrderedJSONField(models.JSONField):
    """JSON stored as PostgreSQL `json`, which keeps the original text, so form fields stay in the order they were sent.

    `jsonb` sorts keys by length. The price: `json` values cannot be compared or indexed.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "json"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """Bind as `json`: a cast from `jsonb` would lose the key order before it is stored."""
        adapted = super().get_db_prep_value(value, connection, prepared)
        return Json(adapted.obj) if isinstance(adapted, Jsonb) else adapted

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """Decode only strings: the driver decodes `json` itself, but leaves `jsonb` to Django."""
        return super().from_db_value(value, expression, connection) if isinstance(value, str) else value
