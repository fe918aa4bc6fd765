"""How much of documents with 20 fields nobody touches when each field has a threshold of its own.

Thresholds are certified for each field from its audits, all fields together with 95 % confidence: at most 1 in 100
automatically accepted values of any field is wrong. New documents are then routed by the product's own decision. For
comparison, the same documents are decided as a whole, by the product of their fields' confidences.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import share, show
from escalation.guarantees import certification
from escalation.guarantees.thresholds import THRESHOLDS
from escalation.policies.spec import AuditSettings, PolicySpec
from escalation.routing import decide
from escalation.routing.decide import OutputColumns, RouteColumns

FIELDS = 20
TARGET, DELTA = 0.01, 0.05
AUDITS = 3_000  # of each field, before its threshold is certified: two months of 1,000 documents a day at 5 %
AUDIT_RATE = 0.05
LEAST_UNTOUCHED = 0.70
POINTERS = [f"/field{number:02}" for number in range(1, FIELDS + 1)]

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Documents:
    """What the model says of n documents, and whether it is right: (n, 20) confidences and (n, 20) risks of an error.

    Most values are easy to read, and some are hard: from 2 % of the easiest field's values to 25 % of the hardest
    field's. A bad scan makes all values of its document harder. The model is somewhat surer than it should be, and its
    confidences are noisy.
    """

    confidences: Floats
    risks: Floats


def make_documents(count: int, rng: np.random.Generator) -> Documents:
    hard = rng.random((count, FIELDS)) < np.linspace(0.02, 0.25, FIELDS)
    scan = rng.normal(0, 0.5, (count, 1))
    logits = scan + np.where(hard, rng.normal(1.5, 1.2, hard.shape), rng.normal(7.5, 1.0, hard.shape))
    said = 1.1 * logits + rng.normal(0, 0.7, hard.shape)
    return Documents(1 / (1 + np.exp(-said)), 1 / (1 + np.exp(logits)))


def certify(confidences: Floats, risks: Floats, rng: np.random.Generator, *, delta: float) -> float | None:
    """The loosest threshold at which at most 1 in 100 is wrong, from audits with these confidences and risks."""
    wrong = rng.random(len(risks)) < risks
    bins = np.searchsorted(THRESHOLDS, confidences, side="right") - 1
    counts = np.bincount(bins, minlength=len(THRESHOLDS)).tolist()
    walks = certification.plan_walks(counts, max_error=TARGET, declared_audits=len(confidences), declared_delta=delta)
    found = certification.certify_declared(confidences, wrong, walks, alpha=TARGET, delta=delta)
    return None if found is None else found.threshold


def measure(documents: int) -> list[str]:
    """Print the tables; returns the expectations that were missed."""
    rng = np.random.default_rng(7)
    audited, new = make_documents(AUDITS, rng), make_documents(documents, rng)
    thresholds = {
        pointer: certify(audited.confidences[:, at], audited.risks[:, at], rng, delta=DELTA / FIELDS)
        for at, pointer in enumerate(POINTERS)
    }
    routes = _route(new, {pointer: found for pointer, found in thresholds.items() if found is not None})
    asked, drawn = _count_parts(routes)
    stands = np.array([[pointer not in parts.asked for pointer in POINTERS] for parts in routes.parts if parts])
    errors = [float(new.risks[stands[:, at], at].mean()) if stands[:, at].any() else 0.0 for at in range(FIELDS)]
    _show_fields(thresholds, asked, drawn, np.stack([new.risks.mean(axis=0), errors]), documents)
    untouched = 1 - (sum(asked.values()) + sum(drawn.values())) / (documents * FIELDS)
    _show_documents(routes, new, audited, untouched, rng)
    missed = [
        f"{POINTERS[at]}: {rate:.2%} of its automated values are wrong."
        for at, rate in enumerate(errors)
        if rate > TARGET
    ]
    return missed if untouched >= LEAST_UNTOUCHED else [*missed, f"Only {untouched:.0%} of the fields are not touched."]


def _route(new: Documents, thresholds: dict[str, float]) -> RouteColumns:
    count = len(new.confidences)
    policy = PolicySpec(thresholds=thresholds, audit=AuditSettings(rate=AUDIT_RATE, mode="after"))
    columns = OutputColumns(
        confidence=np.prod(new.confidences, axis=1),
        predicted=[""] * count,
        value=np.full(count, np.nan),
        segment=[{}] * count,
        model_version=[""] * count,
        fields=[dict(zip(POINTERS, row, strict=True)) for row in new.confidences.tolist()],
        field_numbers=[decide.draw_field_numbers(b"secret", "fields", str(at), POINTERS) for at in range(count)],
    )
    return decide.decide_routes(policy, columns, u=np.ones(count), p=AUDIT_RATE)


def _count_parts(routes: RouteColumns) -> tuple[Counter[str], Counter[str]]:
    """How often each field was asked for, and how often it was only drawn for an audit."""
    asked, drawn = Counter[str](), Counter[str]()
    for parts in routes.parts:
        assert parts is not None
        asked.update(parts.asked)
        drawn.update(set(parts.audited).difference(parts.asked))
    return asked, drawn


def _show_fields(
    thresholds: dict[str, float | None], asked: Counter[str], drawn: Counter[str], errors: Floats, count: int
) -> None:
    """errors: (2, 20) error rates, of all values and of the automated ones."""
    show(
        f"Fields of {count:,} documents, at most {TARGET:.0%} wrong",
        ["field", "threshold", "not touched", "asked for", "audited", "wrong of all", "of automated"],
        [
            [
                pointer,
                "none" if thresholds[pointer] is None else f"{thresholds[pointer]:.4g}",
                share(count - asked[pointer] - drawn[pointer], count),
                share(asked[pointer], count),
                share(drawn[pointer], count),
                f"{of_all:.2%}",
                f"{of_automated:.2%}",
            ]
            for pointer, of_all, of_automated in zip(POINTERS, *errors.tolist(), strict=True)
        ],
    )


def _show_documents(
    routes: RouteColumns, new: Documents, audited: Documents, untouched: float, rng: np.random.Generator
) -> None:
    whole = certify(np.prod(audited.confidences, axis=1), _document_risks(audited), rng, delta=DELTA)
    as_whole = 0.0 if whole is None else float((np.prod(new.confidences, axis=1) >= whole).mean())
    show(
        "Documents",
        ["decided", "fields touched", "documents automated"],
        [
            ["field by field", f"{1 - untouched:.1%}", f"{routes.released.mean():.1%}"],
            ["as a whole", f"{1 - as_whole * (1 - AUDIT_RATE):.1%}", f"{as_whole:.1%}"],
        ],
    )


def _document_risks(documents: Documents) -> Floats:
    """(n,) the probability that at least one field is wrong."""
    risks: Floats = 1 - np.prod(1 - documents.risks, axis=1)
    return risks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="500 documents")
    missed = measure(500 if parser.parse_args().quick else 10_000)
    print(
        "\n".join(missed)
        or f"At least {LEAST_UNTOUCHED:.0%} of the fields are not touched, and every field keeps its target."
    )
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
