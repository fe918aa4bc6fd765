"""A JSON column that gives back what it was given."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.types.json import Json, Jsonb


class OrderedJSONField(models.JSONField):
    """JSON as PostgreSQL's `json`, which keeps the text: the fields of a form stay in the order they were sent in.

    `jsonb` sorts keys by their length. In exchange this type cannot be compared or indexed.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "json"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """As `json` on the way in, too: cast from `jsonb` the order would be gone before it is stored."""
        adapted = super().get_db_prep_value(value, connection, prepared)
        return Json(adapted.obj) if isinstance(adapted, Jsonb) else adapted

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """The driver decodes `json` itself, where it leaves `jsonb` to Django."""
        return super().from_db_value(value, expression, connection) if isinstance(value, str) else value
