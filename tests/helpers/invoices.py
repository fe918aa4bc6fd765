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

_TEXT, _DAY, _AMOUNT = {"type": "string"}, {"type": ["string", "null"], "format": "date"}, {"type": "number"}
# As accountants need it, with 20 fields; a paid invoice has a day of payment.
FULL_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["supplier", "number", "total", "currency"],
    "properties": {
        "supplier": _TEXT,
        "supplier_vat_id": _TEXT | {"title": "Supplier VAT ID"},
        "address": {
            "type": "object",
            "properties": {"street": _TEXT, "zip": _TEXT, "city": _TEXT, "country": {"enum": ["CH", "DE", "AT"]}},
        },
        "customer": _TEXT,
        "number": _TEXT | {"title": "Invoice number"},
        "order_number": {"type": ["string", "null"]},
        "issued": _DAY,
        "due": _DAY,
        "currency": {"enum": ["EUR", "CHF", "USD"]},
        "net": _AMOUNT,
        "vat_rate": _AMOUNT | {"title": "VAT rate"},
        "vat": _AMOUNT | {"title": "VAT"},
        "total": _AMOUNT,
        "paid": {"type": "boolean"},
        "paid_on": _DAY,
        "iban": _TEXT | {"title": "IBAN"},
        "lines": SCHEMA["properties"]["lines"],
    },
    "if": {"properties": {"paid": {"const": True}}, "required": ["paid"]},
    "then": {"properties": {"paid_on": {"type": "string"}}, "required": ["paid_on"]},
}
FULL_ANSWER: dict[str, Any] = {
    "supplier": "Muster & Sohn GmbH",
    "supplier_vat_id": "CHE-112.233.445 MWST",
    "address": {"street": "Bahnhofstrasse 4", "zip": "3011", "city": "Bern", "country": "CH"},
    "customer": "Fischer Elektro AG",
    "number": "2026-1182",
    "order_number": None,
    "issued": "2026-11-02",
    "due": "2026-12-02",
    "currency": "CHF",
    "net": 110.08,
    "vat_rate": 8.1,
    "vat": 8.92,
    "total": 191.0,
    "paid": False,
    "paid_on": None,
    "iban": "CH93 0076 2011 6238 5295 7",
    "lines": [
        {"description": "Paper, A4", "quantity": 4, "amount": 19.0},
        {"description": "Delivery", "amount": 100.0},
    ],
}
ASKED = ["/address/city", "/due", "/total"]
