"""The one definition of an audit, and the named variants that figures need.

An audit is an output that was drawn at random when it was routed and that no rule sent to review. It is answered once
reviewers have settled it blind (their first answers came before the proposed answer was shown) and could tell whether
the model was right. `route.audit` (`hold` or `after`) marks the audits at or above their threshold; the others are
reviewed anyway and serve the figures about other thresholds.

The strings are parts of SQL statements with parameters (so a per cent sign is doubled). In them `o` is an output, `r`
its route and `e` its outcome, whose columns are null until people have settled it: a condition that reads `e` is then
null, not false.

| figure | where | condition | without an answer |
|---|---|---|---|
| counts by day, threshold curve, calibration | simulation.queries | IS_LIVE, IS_ANSWERED_AUDIT | left out |
| errors of reports (live: in Python) | reports.queries | IS_ANSWERED_ELIGIBLE_AUDIT | in the interval if withdrawn |
| error rate of the overview | reports.queries | IS_LIVE, IS_ANSWERED_ELIGIBLE_AUDIT | in the interval if withdrawn |
| outputs found as "audited" | outputs.search | ANSWERED_ELIGIBLE_AUDITS, also of fields | left out |
| sample of an evaluation | guarantees.queries | IS_LIVE, IS_DRAWN, COUNTS_IN_GUARANTEE | an error when overdue |
| drift watch | guarantees.queries | IS_LIVE, IS_DRAWN, COUNTS_IN_GUARANTEE | an error when overdue |
| days until enough audits | guarantees.queries | IS_LIVE, IS_DRAWN, COUNTS_IN_GUARANTEE | counted |
| the same three, per field | guarantees.units | IS_LIVE, IS_FIELD_DRAWN, FIELD_COUNTS_IN_GUARANTEE | the same |
| the same three, per label of a set | guarantees.units | as per output, with `part_errors` | the same |
| error rates of fields | reports.queries | IS_LIVE, IS_FIELD_AUDIT | in the interval if withdrawn |
| label export, `include=checks` | exports.queries | IS_DRAWN, HAS_DRAWN_FIELD (a superset of the others) | included |

Not made of audits, on purpose: known errors of a replay, caught errors, the typical cost of an error, and the errors
that test items are made from. They count every output that reviewers have judged."""

from __future__ import annotations

from typing import Final

from django.db.models import F, Q

# The permanent random number is below the audit rate in force when the output was routed.
IS_DRAWN: Final = "(r.u < r.p)"

# By the reason stored at routing time, never by today's rules: those can be chosen after the labels are known. A stop
# and an untrusted model version take precedence over rules, so such outputs count whatever the rules would have said.
# A rule that could not be evaluated caught its outputs, too.
IS_CAUGHT_BY_RULE: Final = "(r.reason LIKE 'rule:%%' OR r.reason LIKE 'rule\\_unevaluable:%%')"

# Under a policy that decides by field, reviewers are asked for single fields: their answers tell whether a field was
# wrong and not whether the output was. Each field is an audit of its own, drawn by its own number.
IS_DECIDED_AS_A_WHOLE: Final = "(r.parts IS NULL)"

# One of its fields is drawn; the export of audits includes these, too.
HAS_DRAWN_FIELD: Final = "(jsonb_array_length(r.parts -> 'audited') > 0)"

# It has a confidence and fits its schema, so some threshold would automate it.
HAS_CONFIDENCE: Final = "(o.confidence IS NOT NULL AND NOT o.invalid_prediction)"

# And no rule sent it to review.
IS_AUTOMATABLE: Final = f"({HAS_CONFIDENCE} AND {IS_DECIDED_AS_A_WHOLE} AND NOT {IS_CAUGHT_BY_RULE})"

# Reviewers gave their first answers before they saw the proposed answer, and could tell whether it was right.
IS_ANSWERED: Final = "(e.blind AND e.wrong IS NOT NULL)"

# The definition.
IS_AUDIT: Final = f"({IS_DRAWN} AND {IS_AUTOMATABLE})"
IS_ANSWERED_AUDIT: Final = f"({IS_AUDIT} AND {IS_ANSWERED})"

# Reports say what happened, so they use only audits at or above the threshold of the time, held ones included. A
# curve over all thresholds needs the audits below it, too.
IS_ELIGIBLE_AUDIT: Final = f"(r.eligible AND {IS_AUDIT})"
IS_ANSWERED_ELIGIBLE_AUDIT: Final = f"(r.eligible AND {IS_ANSWERED_AUDIT})"

# An audit of the field `f.field` of an output: at or above its threshold, as above, and drawn by its own number; or a
# part of an audit of the whole output. Where a rule holds the output, every field is asked for.
IS_FIELD_AUDIT: Final = f"""(CASE WHEN r.parts IS NULL THEN {IS_ELIGIBLE_AUDIT}
    ELSE {HAS_CONFIDENCE} AND jsonb_exists(r.parts -> 'audited', f.field)
         AND NOT jsonb_exists(r.parts -> 'asked', f.field) END)"""
IS_ANSWERED_FIELD_AUDIT: Final = f"({IS_FIELD_AUDIT} AND e.blind AND jsonb_exists(e.part_errors, f.field))"

# The field `f.field` as a guarantee sees it: drawn by its own number or with the whole output, on both sides of any
# threshold, and with a confidence of its own.
FIELD_CONFIDENCE: Final = "(o.field_confidences ->> f.field)::float8"
IS_FIELD_DRAWN: Final = (
    f"(CASE WHEN r.parts IS NULL THEN {IS_DRAWN} ELSE jsonb_exists(r.parts -> 'audited', f.field) END)"
)
IS_FIELD_AUTOMATABLE: Final = f"({HAS_CONFIDENCE} AND {FIELD_CONFIDENCE} IS NOT NULL AND NOT {IS_CAUGHT_BY_RULE})"

# The least confidence that a threshold for the whole set and for each of its labels is compared with. Routing compares
# a predicted label without a score with the confidence of the whole set, and a label that the model neither predicted
# nor scored with nothing.
LEAST_LABEL_CONFIDENCE: Final = """LEAST(o.confidence, (
    SELECT min(c.confidence::float8) FROM jsonb_each_text(o.label_decisions -> 'confidences') AS c (label, confidence)
))"""

# Nobody acts on a shadow output, so it is not part of what is automated. Reports show shadow outputs separately.
IS_LIVE: Final = "(NOT o.shadow)"

# The producer withdrew it, or it was erased, before anybody had judged it.
IS_TAKEN_BACK: Final = "(o.state IN ('withdrawn', 'erased') AND e.output_id IS NULL)"

# An audit that was taken back stays unresolved for ever, and no figure may drop it: a producer who guesses which
# outputs are audits could otherwise withdraw those and post them again under other ids until none is drawn. A guarantee
# counts it as an error at once; the interval of a report reaches from all of them right to all of them wrong.
IS_TAKEN_BACK_AUDIT: Final = f"({IS_ELIGIBLE_AUDIT} AND {IS_TAKEN_BACK})"


# Outputs of one `group` (the producer's word for what belongs together, such as a conversation) may be copies of each
# other, and a hundred copies of one input are one audit. So of each group only the first audit counts. Which one that
# is depends on arrival and draws, never on answers.
def _is_first_of_group(audit: str) -> str:
    return f"""(o."group" = '' OR NOT EXISTS (
        SELECT FROM escalation_output g JOIN escalation_route q ON q.output_id = g.id
        WHERE g.stream_id = o.stream_id AND g."group" = o."group" AND g.id < o.id AND g.model = o.model
          AND g.model_version = o.model_version AND g.schema_number = o.schema_number AND NOT g.shadow
          AND {audit.replace("o.", "g.").replace("r.", "q.")}))"""


IS_FIRST_OF_GROUP: Final = _is_first_of_group(IS_AUDIT)

# A guarantee leaves out no audit. Errors take longer to settle, and those that are hard to judge are often errors, so
# they would be missing: an audit counts as right only if reviewers judged it blind and found it right. One that was not
# answered within the policy's `due_days`, that was withdrawn, that could not be judged, or whose reviewers saw the
# model's answer first, counts as an error; also one that waited for review anyway, since it could say something about a
# lower threshold.
COUNTS_IN_GUARANTEE: Final = f"({IS_AUTOMATABLE} AND {IS_FIRST_OF_GROUP})"

# The same of a single field: of each group only its first audit counts, as an error unless reviewers judged it blind.
FIELD_COUNTS_IN_GUARANTEE: Final = (
    f"({IS_FIELD_AUTOMATABLE} AND {_is_first_of_group(f'({IS_FIELD_DRAWN} AND {IS_FIELD_AUTOMATABLE})')})"
)

# IS_LIVE and IS_ANSWERED_ELIGIBLE_AUDIT, for querysets of outputs; also where single fields are such audits.
_DRAWN: Final = Q(route__u__lt=F("route__p"), route__parts__isnull=True) | (
    Q(route__parts__isnull=False) & ~Q(route__parts__audited=[])
)
ANSWERED_ELIGIBLE_AUDITS: Final = (
    _DRAWN
    & Q(
        confidence__isnull=False,
        invalid_prediction=False,
        outcome__blind=True,
        outcome__wrong__isnull=False,
        route__eligible=True,
        shadow=False,
    )
    & ~(Q(route__reason__startswith="rule:") | Q(route__reason__startswith="rule_unevaluable:"))
)


def is_answered(*, blind: bool | None, wrong: bool | None) -> bool:
    """IS_ANSWERED of one row; both are None until people have settled it."""
    return bool(blind) and wrong is not None
