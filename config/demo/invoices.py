"""Synthetic invoices as a scanner would send them: their text, their truth, and what a model read, field by field.

Everything is invented and the same in every run. Most values are easy to read; some are hard, from 3 % of the suppliers
to 15 % of the due dates, and a bad scan makes all values of its document harder. The model is a little surer than it
should be.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from config.demo.samples import DemoSample

FIELDS = ("supplier", "number", "issued", "total")
_SEED = 20261101
_FIRST_DAY = date(2026, 9, 1)
_SUPPLIERS = (
    ("Nordlicht Office Supplies", "Harbour Street 12, Bremen"),
    ("Alder & Finch Printing", "Mill Lane 4, Leeds"),
    ("Brunner Electrical Services", "Station Road 88, Bern"),
    ("Casa Verde Catering", "Via Roma 31, Torino"),
    ("Delta Freight Partners", "Quay 7, Rotterdam"),
    ("Eastgate Cleaning Company", "Park Avenue 19, Dublin"),
    ("Fabrik Nine Furniture", "Torstrasse 140, Berlin"),
    ("Green Valley Water", "Orchard Road 2, Graz"),
    ("Helvetia Data Recovery", "Lake Street 55, Zug"),
    ("Ivory Tower Translations", "Rue Haute 9, Brussels"),
    ("Jansen Tool Hire", "Canal Street 61, Utrecht"),
    ("Kestrel Security Systems", "Hill Road 23, Bristol"),
)
_ITEMS = (
    ("Copy paper A4, box", 24.50),
    ("Toner cartridge, black", 89.90),
    ("On-site service, hours", 75.00),
    ("Delivery and handling", 18.00),
    ("Office chair, grey", 219.00),
    ("Window cleaning, floor 2", 140.00),
    ("Coffee beans, 1 kg", 17.80),
    ("Network cable, 10 m", 12.40),
    ("Translation, per page", 46.00),
    ("Pallet transport", 96.50),
)
# How many of the values of each field are hard to read.
_HARD_SHARES = {"supplier": 0.03, "number": 0.08, "issued": 0.05, "total": 0.10}


@dataclass(frozen=True, slots=True)
class _Invoice:
    supplier: str
    address: str
    number: str
    issued: date
    lines: list[tuple[str, int, float]]

    @property
    def net(self) -> float:
        return round(sum(count * price for _, count, price in self.lines), 2)

    @property
    def total(self) -> float:
        return round(self.net * 1.19, 2)

    @property
    def truth(self) -> dict[str, Any]:
        return {
            "supplier": self.supplier,
            "number": self.number,
            "issued": self.issued.isoformat(),
            "total": self.total,
        }

    @property
    def text(self) -> str:
        rows = [f"{count:>3} x {name:<28}{count * price:>10.2f}" for name, count, price in self.lines]
        return "\n".join(
            [
                self.supplier,
                self.address,
                "",
                f"INVOICE {self.number}",
                f"Date: {self.issued:%d.%m.%Y}",
                f"Due:  {self.issued + timedelta(days=30):%d.%m.%Y}",
                "",
                *rows,
                "",
                f"{'Net':<34}{self.net:>10.2f}",
                f"{'VAT 19 %':<34}{self.total - self.net:>10.2f}",
                f"{'Total EUR':<34}{self.total:>10.2f}",
            ]
        )


def generate_invoices() -> Iterator[DemoSample]:
    """Invoices without end, each with the values that a model read and its confidence in each of them."""
    rng, number = random.Random(_SEED), 0  # nothing secret
    while True:
        number += 1
        invoice = _invent_invoice(rng, number)
        yield _read_invoice(rng, f"invoice-{number:05}", invoice)


def _invent_invoice(rng: random.Random, number: int) -> _Invoice:
    supplier, address = rng.choice(_SUPPLIERS)
    lines = [(name, rng.randint(1, 12), price) for name, price in rng.sample(_ITEMS, rng.randint(1, 4))]
    issued = _FIRST_DAY + timedelta(days=rng.randrange(75))
    return _Invoice(supplier, address, f"{issued.year}-{1000 + 7 * number + rng.randrange(7)}", issued, lines)


def _read_invoice(rng: random.Random, external_id: str, invoice: _Invoice) -> DemoSample:
    truth, scan = invoice.truth, rng.gauss(0, 0.5)
    prediction, scores = {}, {}
    for field in FIELDS:
        is_hard = rng.random() < _HARD_SHARES[field]
        logit = scan + (rng.gauss(1.0, 1.2) if is_hard else rng.gauss(7.5, 0.8))
        is_wrong = rng.random() < 1 / (1 + math.exp(logit))
        prediction[field] = _MISREADINGS[field](rng, invoice) if is_wrong else truth[field]
        scores[field] = round(1 / (1 + math.exp(-1.1 * logit - rng.gauss(0, 0.5))), 4)
    return DemoSample(
        external_id=external_id,
        input={"text": invoice.text},
        prediction=prediction,
        confidence=min(scores.values()),
        scores=scores,
        truth=truth,
        raters=(truth,),
    )


def _misread_supplier(rng: random.Random, invoice: _Invoice) -> str:
    """Without its last word, or the customer's street for the name."""
    return rng.choice([invoice.supplier.rpartition(" ")[0], invoice.address.partition(",")[0]])


def _misread_number(rng: random.Random, invoice: _Invoice) -> str:
    """One digit for another that looks like it."""
    at = rng.randrange(5, len(invoice.number))
    return invoice.number[:at] + "8352607941"[int(invoice.number[at])] + invoice.number[at + 1 :]


def _misread_issued(rng: random.Random, invoice: _Invoice) -> str:
    """The due date, or the day and the month the other way round."""
    swapped = invoice.issued.day <= 12 and invoice.issued.day != invoice.issued.month and rng.random() < 0.5
    if swapped:
        return date(invoice.issued.year, invoice.issued.day, invoice.issued.month).isoformat()
    return (invoice.issued + timedelta(days=30)).isoformat()


def _misread_total(rng: random.Random, invoice: _Invoice) -> float:
    """The net amount, or the point in another place."""
    return rng.choice([invoice.net, round(invoice.total * 10, 1)])


_MISREADINGS: dict[str, Callable[[random.Random, _Invoice], Any]] = {
    "supplier": _misread_supplier,
    "number": _misread_number,
    "issued": _misread_issued,
    "total": _misread_total,
}
