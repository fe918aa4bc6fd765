"""What an audit is. Every figure about audits is made of these conditions, so all of them count the same outputs.

The strings are parts of SQL statements that run with parameters (so a per cent sign is doubled) and in which `o` is an
output, `r` its route and `e` its outcome, all null where nobody has settled it.

| figure | condition |
|---|---|
| counts by day, threshold curve, calibration | IS_LIVE, IS_AUDIT |
| error rate of reports, undetected errors, overview, search | IS_LIVE, IS_AUTOMATED_AUDIT |
| sample of an evaluation, drift, days until there are enough | IS_LIVE, COUNTS_IN_GUARANTEE, drawn |
| export with its checks | IS_DRAWN, IS_KEPT: more than an audit, with the columns that each condition reads |
"""

from __future__ import annotations

from typing import Final

from django.db.models import F, Q

# The permanent number lies below the audit rate in force when the output was routed. An evaluation draws again, without
# another throw, at the lowest rate of its window: `r.u < %(rate)s`.
IS_DRAWN: Final = "r.u < r.p"

# By the reason that routing stored, never by the rules of today: those can be chosen after the labels are known.
IS_CAUGHT_BY_RULE: Final = "r.reason LIKE 'rule:%%'"

# Some threshold would automate it: it has a confidence, and no rule sent it to review.
IS_AUTOMATABLE: Final = f"(o.confidence IS NOT NULL AND NOT {IS_CAUGHT_BY_RULE})"

# The first answers were given before the proposed answer was shown, and they tell whether it was right.
IS_ANSWERED: Final = "(e.blind AND e.wrong IS NOT NULL)"

# Drawn, whether or not anybody has answered.
IS_DRAWN_AUDIT: Final = f"({IS_DRAWN} AND {IS_AUTOMATABLE})"

# The definition: drawn, not caught by a rule, answered blind, and judged.
IS_AUDIT: Final = f"({IS_DRAWN_AUDIT} AND {IS_ANSWERED})"

# Reports tell what happened, so theirs are audits of what the policy in force at the time automated. IS_AUDIT also has
# those below that threshold, which a curve over all thresholds needs.
IS_DRAWN_AUTOMATED_AUDIT: Final = f"(r.eligible AND {IS_DRAWN_AUDIT})"
IS_AUTOMATED_AUDIT: Final = f"(r.eligible AND {IS_AUDIT})"

# Nobody acts on a shadow output, so it is not part of what is automated. Reports keep figures of their own about these.
IS_LIVE: Final = "NOT o.shadow"

# The producer took it back, or it was erased, before anybody had judged it.
IS_TAKEN_BACK: Final = "(o.state IN ('withdrawn', 'erased') AND e.output_id IS NULL)"

# A producer must not be able to take its errors back: what was automated stays. What waited for a person anyway and was
# taken back says nothing about what is automated.
IS_KEPT: Final = f"(r.eligible OR NOT {IS_TAKEN_BACK})"

# A guarantee cannot leave out what has no answer, or errors, which take longer to settle, would be missing. So it is
# not about IS_AUDIT but about all that were drawn: without an answer they count as errors after the policy's
# `due_days`, or at once where they were taken back.
COUNTS_IN_GUARANTEE: Final = f"({IS_AUTOMATABLE} AND {IS_KEPT})"

# IS_AUTOMATED_AUDIT of live outputs, for querysets of outputs.
AUTOMATED_AUDITS: Final = Q(
    route__u__lt=F("route__p"),
    confidence__isnull=False,
    outcome__blind=True,
    outcome__wrong__isnull=False,
    route__eligible=True,
    shadow=False,
) & ~Q(route__reason__startswith="rule:")


def is_answered(*, blind: bool | None, wrong: bool | None) -> bool:
    """IS_ANSWERED of one row; both None where nobody has settled it."""
    return bool(blind) and wrong is not None
