"""A policy version in plain words, and what differs between two. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from escalation.policies.spec import AuditSettings, Costs, GuaranteeSettings, PolicySpec, Rule, Scalar
from reviewqueue.kernel import locale_format


@dataclass(frozen=True, slots=True)
class PolicyClause:
    """One thing that a policy says: `label` names it, `text` says it; `key` tells clauses apart across versions."""

    key: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class ClauseChange:
    """A clause that two versions put differently; empty where a version doesn't have it."""

    label: str
    before: str
    after: str


# The parts of a policy, the most consequential first.
_CLAUSE_ORDER = (
    "threshold", "thresholds", "segments", "model_versions", "rules", "audit", "guarantee", "reviews", "answer_first",
    "undo", "deadline", "on_deadline", "on_overload", "costs",
)  # fmt: skip


def describe_policy(policy: PolicySpec) -> list[PolicyClause]:
    """Everything that the policy says, the most consequential first."""
    return [
        *_threshold_clauses(policy),
        *_rule_clauses(policy),
        PolicyClause("guarantee", _("A statement about mistakes"), _describe_guarantee(policy.guarantee)),
        *_review_clauses(policy),
        *_deadline_clauses(policy),
        *_cost_clauses(policy.costs),
    ]


def describe_changes(before: PolicySpec, after: PolicySpec) -> list[ClauseChange]:
    """What is put differently, in the order of the clauses."""
    old = {clause.key: clause for clause in describe_policy(before)}
    new = {clause.key: clause for clause in describe_policy(after)}
    keys = sorted(dict.fromkeys([*new, *old]), key=lambda key: _CLAUSE_ORDER.index(key.partition("/")[0]))
    return [
        ClauseChange((new.get(key) or old[key]).label, _text(old.get(key)), _text(new.get(key)))
        for key in keys
        if _text(old.get(key)) != _text(new.get(key))
    ]


def format_percent(share: float) -> str:
    return f"{round(share * 100, 4):g} %"


def _text(clause: PolicyClause | None) -> str:
    return clause.text if clause else ""


def _threshold_clauses(policy: PolicySpec) -> Iterator[PolicyClause]:
    if policy.threshold is None:
        text = _("A person sees everything that nothing below lets through.")
    else:
        text = _("The AI’s answer may stand from %(share)s sure.") % {"share": format_percent(policy.threshold)}  # noqa: RUF001
    yield PolicyClause("threshold", _("In general"), text)
    for label, share in sorted(policy.thresholds.items()):
        text = _("From %(share)s sure.") % {"share": format_percent(share)}
        yield PolicyClause(f"thresholds/{label}", _("When the AI says “%(label)s”") % {"label": label}, text)
    for part in policy.segments:
        when = ", ".join(f"{key} = {value}" for key, value in sorted(part.when.items()))
        text = _("From %(share)s sure.") % {"share": format_percent(part.threshold)}
        yield PolicyClause(f"segments/{when}", _("Where %(when)s") % {"when": when}, text)
    if policy.model_versions:
        yield PolicyClause("model_versions", _("Model versions trusted"), ", ".join(policy.model_versions))


def _rule_clauses(policy: PolicySpec) -> Iterator[PolicyClause]:
    for rule in policy.rules:
        text = _("A person looks when %(when)s.") % {"when": describe_conditions(rule)}
        yield PolicyClause(f"rules/{rule.name}", _("Rule “%(name)s”") % {"name": rule.name}, text)


_OPERATOR_SYMBOLS = {"eq": "=", "in": "in", "lt": "<", "lte": "≤", "gt": ">", "gte": "≥"}


def describe_conditions(rule: Rule) -> str:
    """A rule's conditions in one line."""
    return _(" and ").join(
        f"{subject} {_OPERATOR_SYMBOLS[operator]} {_format_operand(operand)}"
        for subject, tests in rule.when.items()
        for operator, operand in tests.items()
    )


def _format_operand(operand: Scalar | list[Scalar]) -> str:
    if isinstance(operand, list):
        return ", ".join(_format_operand(one) for one in operand)
    return operand if isinstance(operand, str) else f"{operand:g}"


def _review_clauses(policy: PolicySpec) -> Iterator[PolicyClause]:
    yield PolicyClause("audit", _("Random checks"), _describe_audit(policy.audit))
    reviews = (
        _("One person decides.") if policy.reviews == 1 else _("%(number)s people decide.") % {"number": policy.reviews}
    )
    yield PolicyClause("reviews", _("Reviews"), reviews)
    yield PolicyClause("answer_first", _("Answer first"), _describe_answer_first(policy))
    undo = (
        _("A verdict can be undone for %(seconds)s seconds.") % {"seconds": policy.undo_seconds}
        if policy.undo_seconds
        else _("A verdict is final at once.")
    )
    yield PolicyClause("undo", _("Undo"), undo)


def _describe_audit(audit: AuditSettings) -> str:
    if audit.per_day is not None:
        drawn = _("%(number)s a day of what would go out are drawn") % {"number": audit.per_day}
    elif audit.rate:
        drawn = _("%(share)s of what would go out is drawn") % {"share": format_percent(audit.rate)}
    else:
        return _("None: how often the AI is wrong stays unknown.")
    then = _("and waits for a person") if audit.mode == "hold" else _("and looked at after it went out")
    return f"{drawn} {then}."


def _describe_guarantee(guarantee: GuaranteeSettings) -> str:
    then = {
        "keep": _("then the thresholds stay, and pages say so"),
        "check_more": _("then everything is checked before it goes out"),
        "all_to_people": _("then everything goes to people"),
    }[guarantee.on_expiry]
    holds = _("holds for %(days)s days, for this model version and these answers") % {"days": guarantee.expires_days}
    late = _("A check unanswered for %(days)s days counts as a mistake.") % {"days": f"{guarantee.due_days:g}"}
    return f"{holds[:1].upper()}{holds[1:]}; {then}. {late}"


def _describe_answer_first(policy: PolicySpec) -> str:
    if policy.answer_first:
        return _("People always answer before they see the AI’s answer.")  # noqa: RUF001 - an apostrophe
    if policy.answer_first_share is None:
        return _("Checks, and about as many ordinary items, are answered before the AI’s answer is shown.")  # noqa: RUF001
    return _("Checks, and %(share)s of ordinary items, are answered before the AI’s answer is shown.") % {  # noqa: RUF001
        "share": format_percent(policy.answer_first_share)
    }


def _deadline_clauses(policy: PolicySpec) -> Iterator[PolicyClause]:
    due = (
        _("What has none of its own is due after %(hours)s hours.") % {"hours": f"{policy.deadline_hours:g}"}
        if policy.deadline_hours is not None
        else _("Only what its producer gives one.")
    )
    yield PolicyClause("deadline", _("Deadline"), due)
    then = {
        "hold": _("It waits on for a person."),
        "accept": _("The AI’s answer stands."),  # noqa: RUF001 - an apostrophe
        "reject": _("It is rejected."),
    }[policy.on_deadline]
    yield PolicyClause("on_deadline", _("Past its deadline"), then)
    overload = {
        "refuse": _("New outputs are refused until there is room."),
        "hold": _("New outputs are taken and held back."),
    }[policy.on_overload]
    yield PolicyClause("on_overload", _("When too much waits"), overload)


def _cost_clauses(costs: Costs) -> Iterator[PolicyClause]:
    def amount(value: float) -> str:
        return f"{costs.currency} {locale_format.format_number(value, 2, grouped=True)}"

    yield PolicyClause("costs/review", _("A review costs"), amount(costs.review))
    yield PolicyClause("costs/error", _("A mistake costs"), amount(costs.error))
    for predicted, row in sorted(costs.matrix.items()):
        for true, cost in sorted(row.items()):
            label = _("“%(predicted)s” where “%(true)s” is right costs") % {"predicted": predicted, "true": true}
            yield PolicyClause(f"costs/{predicted}/{true}", label, amount(cost))
    if costs.value_factor is not None:
        label = _("An error costs in addition, per unit of the output’s value")  # noqa: RUF001 - an apostrophe
        yield PolicyClause("costs/value_factor", label, f"{costs.currency} {costs.value_factor:g}")
