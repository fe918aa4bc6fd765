"""JSON columns that store values as they were sent."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.types.json import Json, Jsonb

from reviewqueue.kernel import sent_json


class _SentEncoder(json.JSONEncoder):
    def encode(self, o: Any) -> str:
        return sent_json.encode_sent(o)


class _KeepsDigits(models.JSONField):
    """Its values are shown as they were sent where Django encodes them itself: on the admin pages."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.encoder = _SentEncoder

    def deconstruct(self) -> Any:
        """Without the encoder, which is no matter of the database."""
        name, path, args, options = super().deconstruct()
        return name, path, args, {key: value for key, value in options.items() if key != "encoder"}


class OrderedJSONField(_KeepsDigits):
    """JSON stored as PostgreSQL `json`, which keeps the original text: the order of keys and the digits of numbers.

    `jsonb` sorts keys by length and writes numbers its own way. The price: `json` values cannot be compared or
    indexed.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "json"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """Bind as `json`: a cast from `jsonb` would lose the key order before it is stored."""
        adapted = super().get_db_prep_value(value, connection, prepared)
        return Json(adapted.obj, dumps=sent_json.encode_sent) if isinstance(adapted, Jsonb) else adapted

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Read the text: the driver would decode `json` itself, and round its numbers."""
        return f"{sql}::text", params

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return None if value is None else sent_json.parse_sent(value)


class SentJSONField(_KeepsDigits):
    """An answer, stored as its JSON text: nothing in it is rewritten. Equal texts are equal values."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "text"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        adapted = super().get_db_prep_value(value, connection, prepared)
        return sent_json.encode_sent(adapted.obj) if isinstance(adapted, Jsonb) else adapted

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return None if value is None else sent_json.parse_sent(value)
