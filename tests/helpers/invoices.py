"""An invoice as a structured answer: nested, with lines, and of every type a field can have."""

from __future__ import annotations

from typing import Any

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["supplier", "total", "currency"],
    "properties": {
        "supplier": {"type": "string"},
        "number": {"type": ["string", "null"], "title": "Invoice number"},
        "issued": {"type": "string", "format": "date"},
        "currency": {"enum": ["EUR", "CHF", "USD"]},
        "total": {"type": "number", "minimum": 0},
        "discount": {"type": "integer", "minimum": 0, "maximum": 100},
        "paid": {"type": "boolean"},
        "address": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "zip": {"type": "string"}},
            "required": ["city"],
        },
        "lines": {
            "type": "array",
            "maxItems": 5,
            "items": {
                "type": "object",
                "properties": {
                    "description": {"type": "string"},
                    "quantity": {"type": "integer"},
                    "amount": {"type": "number"},
                },
                "required": ["description", "amount"],
            },
        },
        "tags": {"type": "array", "items": {"type": "string"}},
        "extra": {"anyOf": [{"type": "string"}, {"type": "object"}]},
    },
}
ANSWER: dict[str, Any] = {
    "supplier": "Muster & Sohn GmbH",
    "number": None,
    "issued": "2026-11-02",
    "currency": "EUR",
    "total": 119.0,
    "discount": 0,
    "paid": False,
    "address": {"city": "Bern", "zip": ""},
    "lines": [
        {"description": "Paper, A4", "quantity": 4, "amount": 19.0},
        {"description": "Delivery", "amount": 100.0},
    ],
    "tags": ["office"],
    "extra": {"terms": "30 days"},
}
HINTS = {
    "/supplier": 0.99, "/total": 0.41, "/issued": 0.62, "/currency": 0.97, "/discount": 0.95,
    "/lines/0/amount": 0.55, "/lines/1/description": 0.9,
}  # fmt: skip
