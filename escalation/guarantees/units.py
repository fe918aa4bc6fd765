"""What an evaluation counts: one unit per output, or per field of an output.

Everything that reads audits for a guarantee uses these definitions: the sample, the shares of outputs above a
threshold, the starts of walks, the drift watch and the forecast. `routing.audits` defines whether a unit was drawn, and
whether a guarantee counts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from escalation.models import ErrorTarget
from escalation.routing import audits
from reviewqueue.answers import schema
from reviewqueue.facade import queue

type Grouping = ErrorTarget.Grouping


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a grouping, as parts of SQL statements in which `o` is an output, `r` its route, `e` its outcome.

    source: what is joined to an output to get a row per unit. name: the group of a unit, empty for none; its parameter
    is `key`. confidence: what a threshold is compared with. wrong: whether reviewers found it wrong, or for a set of
    labels, about which of them. is_drawn, is_automatable, is_counted: it is an audit; some threshold would automate it;
    a guarantee counts it if it was drawn. in_group, is_wrong: whether it belongs to the group of the parameter `group`,
    and is wrong about that.
    """

    source: str
    name: str
    confidence: str
    wrong: str
    is_drawn: str
    is_automatable: str
    is_counted: str
    in_group: str
    is_wrong: str

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
        in_group=f"{name} = %(group)s",
        is_wrong="e.wrong",
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
        in_group="f.field = %(group)s",
        is_wrong="(e.part_errors ->> f.field)::boolean",
    ),
    # One threshold for all labels: an output is automated if the model is sure enough of every one of them, so errors
    # about one label are counted among just those outputs. A set that was rejected says nothing about single labels.
    ErrorTarget.Grouping.LABELS: replace(
        _count_outputs("''::text"),
        confidence=audits.LEAST_LABEL_CONFIDENCE,
        wrong="""(CASE WHEN e.part_errors <> '{}' THEN
            ARRAY(SELECT p.label FROM jsonb_each(e.part_errors) AS p (label, wrong) WHERE p.wrong = 'true') END)""",
        in_group="true",
        is_wrong="(e.part_errors ->> %(group)s)::boolean",
    ),
}


def choose_units(target: ErrorTarget) -> Units:
    """The units that a guarantee of this target is about."""
    return _UNITS[ErrorTarget.Grouping(target.groups)]


def list_labels(target: ErrorTarget, slug: str, schema_number: int) -> Sequence[str] | None:
    """The labels that each get a guarantee, each of them in every output; None if a unit is in one group only."""
    if target.groups != ErrorTarget.Grouping.LABELS:
        return None
    return queue.get_answer_spec(slug=slug, number=schema_number).answers


def drops_label_thresholds(target: ErrorTarget, slug: str, schema_number: int) -> bool:
    """Whether a policy for this target has one threshold for sets of labels, and none for single labels.

    The evidence is about all outputs that reach it. Those that also reach thresholds of single labels are others.
    """
    is_of_sets = queue.get_answer_spec(slug=slug, number=schema_number).kind == schema.LABELS
    return is_of_sets and target.groups != ErrorTarget.Grouping.LABELS
