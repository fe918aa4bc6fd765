"""What an evaluation counts: one unit per output, or per field of an output. Pure.

Everything that reads audits for a guarantee uses these definitions: the sample, the shares of outputs above a
threshold, the starts of walks, the drift watch and the forecast. `routing.audits` defines whether a unit was drawn, and
whether a guarantee counts it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from escalation.models import ErrorTarget
from escalation.routing import audits

type Grouping = ErrorTarget.Grouping


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a grouping, as parts of SQL statements in which `o` is an output, `r` its route, `e` its outcome.

    source: what is joined to an output to get a row per unit. name: the group of a unit, empty for none; its parameter
    is `key`. confidence: what a threshold is compared with. wrong: whether reviewers found it wrong. is_automatable:
    some threshold would automate it. is_counted: a guarantee counts it if it was drawn.
    """

    source: str
    name: str
    confidence: str
    wrong: str
    is_drawn: str
    is_automatable: str
    is_counted: str

    def fill(self, statement: str) -> str:
        """A statement of `guarantees.queries` for these units."""
        return statement.format(**asdict(self))


def _count_outputs(name: str) -> Units:
    return Units(
        source="",
        name=name,
        confidence="o.confidence",
        wrong="e.wrong",
        is_drawn=audits.IS_DRAWN,
        is_automatable=audits.IS_AUTOMATABLE,
        is_counted=audits.COUNTS_IN_GUARANTEE,
    )


_UNITS = {
    ErrorTarget.Grouping.TOGETHER: _count_outputs("''::text"),
    ErrorTarget.Grouping.CLASSES: _count_outputs("o.predicted"),
    ErrorTarget.Grouping.SEGMENTS: _count_outputs("COALESCE(o.segment ->> %(key)s, '')"),
    ErrorTarget.Grouping.FIELDS: Units(
        source="CROSS JOIN LATERAL jsonb_object_keys(o.field_confidences) AS f (field)",
        name="f.field",
        confidence=audits.FIELD_CONFIDENCE,
        wrong="(e.part_errors ->> f.field)::boolean",
        is_drawn=audits.IS_FIELD_DRAWN,
        is_automatable=audits.IS_FIELD_AUTOMATABLE,
        is_counted=audits.FIELD_COUNTS_IN_GUARANTEE,
    ),
}


def choose_units(target: ErrorTarget) -> Units:
    """The units that a guarantee of this target is about."""
    return _UNITS[ErrorTarget.Grouping(target.groups)]
