"""A policy version in plain words, and the differences between two. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from escalation.policies.conditions import Scalar
from escalation.policies.spec import (
    AuditSettings,
    Costs,
    GuaranteeSettings,
    PolicySpec,
    Rule,
    decides_by_field,
)
from reviewqueue.answers import schema
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel import locale_format


@dataclass(frozen=True, slots=True)
class PolicyClause:
    """One setting of a policy as a sentence; `key` identifies it across versions."""

    key: str
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class ClauseChange:
    """A clause that differs between two versions; empty where a version does not have it."""

    label: str
    before: str
    after: str


# Sections of a policy, the most consequential first.
_CLAUSE_ORDER = (
    "threshold", "thresholds", "segments", "model_versions", "rules", "audit", "guarantee", "reviews", "answer_first",
    "undo", "deadline", "on_deadline", "on_overload", "costs",
)  # fmt: skip


def describe_policy(policy: PolicySpec) -> list[PolicyClause]:
    """All clauses of the policy, the most consequential first."""
    return [
        *_threshold_clauses(policy),
        *_rule_clauses(policy),
        PolicyClause("guarantee", _("Guarantee"), _describe_guarantee(policy.guarantee)),
        *_review_clauses(policy),
        *_deadline_clauses(policy),
        *_cost_clauses(policy.costs),
    ]


def describe_changes(before: PolicySpec, after: PolicySpec) -> list[ClauseChange]:
    """The clauses that differ, in the order of `describe_policy`."""
    old = {clause.key: clause for clause in describe_policy(before)}
    new = {clause.key: clause for clause in describe_policy(after)}
    keys = sorted(dict.fromkeys([*new, *old]), key=lambda key: _CLAUSE_ORDER.index(key.partition("/")[0]))
    return [
        ClauseChange((new.get(key) or old[key]).label, _text(old.get(key)), _text(new.get(key)))
        for key in keys
        if _text(old.get(key)) != _text(new.get(key))
    ]


def describe_form_change(before: AnswerSpec, after: AnswerSpec) -> ClauseChange:
    """Two answer schemas of a stream as a changed clause."""
    return ClauseChange(_("Answers"), _describe_form(before), _describe_form(after))


def _describe_form(form: AnswerSpec) -> str:
    if form.kind == schema.STRUCTURED:
        return _("Fields, by the JSON schema: %(schema)s") % {"schema": json.dumps(form.schema, ensure_ascii=False)}
    listed = ", ".join(form.answers)
    if form.kind != schema.LABELS:
        return listed
    if form.has_label_errors:
        return _("Several of: %(answers)s. Each missed or invented answer is an error.") % {"answers": listed}
    return _("Several of: %(answers)s") % {"answers": listed}


def format_percent(share: float) -> str:
    """The share in percent with every digit that it has: two versions that differ never read the same."""
    return f"{Decimal(repr(share)).scaleb(2).normalize():f} %"


def _format_exactly(number: float) -> str:
    return f"{Decimal(repr(number)).normalize():f}"


def _text(clause: PolicyClause | None) -> str:
    return clause.text if clause else ""


def _threshold_clauses(policy: PolicySpec) -> Iterator[PolicyClause]:
    if policy.threshold is None:
        text = _("Outputs go to review unless a threshold below applies.")
    else:
        text = (
            _("Fields without a threshold of their own stand with a confidence of %(share)s or more.")
            if decides_by_field(policy)
            else _("Outputs with a confidence of %(share)s or more are automated.")
        ) % {"share": format_percent(policy.threshold)}
    yield PolicyClause("threshold", _("Threshold"), text)
    for label, share in sorted(policy.thresholds.items()):
        text = _("Confidence of %(share)s or more.") % {"share": format_percent(share)}
        yield PolicyClause(f"thresholds/{label}", _("Threshold for “%(label)s”") % {"label": label}, text)
    for part in policy.segments:
        when = ", ".join(f"{key} = {value}" for key, value in sorted(part.when.items()))
        text = _("Confidence of %(share)s or more.") % {"share": format_percent(part.threshold)}
        yield PolicyClause(f"segments/{when}", _("Threshold where %(when)s") % {"when": when}, text)
    if policy.model_versions:
        yield PolicyClause("model_versions", _("Trusted model versions"), ", ".join(policy.model_versions))


def _rule_clauses(policy: PolicySpec) -> Iterator[PolicyClause]:
    for rule in policy.rules:
        text = _("Outputs with %(when)s go to review.") % {"when": describe_conditions(rule)}
        yield PolicyClause(f"rules/{rule.name}", _("Rule “%(name)s”") % {"name": rule.name}, text)


_OPERATOR_SYMBOLS = {"eq": "=", "in": "in", "lt": "<", "lte": "≤", "gt": ">", "gte": "≥"}


def describe_conditions(rule: Rule) -> str:
    """A rule's conditions on one line."""
    return _(" and ").join(
        f"{subject} {_OPERATOR_SYMBOLS[operator]} {_format_operand(operand)}"
        for subject, tests in rule.when.items()
        for operator, operand in tests.items()
    )


def _format_operand(operand: Scalar | list[Scalar]) -> str:
    if isinstance(operand, list):
        return ", ".join(_format_operand(one) for one in operand)
    return operand if isinstance(operand, str) else _format_exactly(operand)


def _review_clauses(policy: PolicySpec) -> Iterator[PolicyClause]:
    yield PolicyClause("audit", _("Audits"), _describe_audit(policy.audit, by_field=decides_by_field(policy)))
    reviews = (
        _("One reviewer decides.")
        if policy.reviews == 1
        else _("%(number)s reviewers decide.") % {"number": policy.reviews}
    )
    yield PolicyClause("reviews", _("Reviews"), reviews)
    yield PolicyClause("answer_first", _("Answer first"), _describe_answer_first(policy))
    undo = (
        _("Reviewers can undo a verdict for %(seconds)s seconds.") % {"seconds": policy.undo_seconds}
        if policy.undo_seconds
        else _("A verdict is final immediately.")
    )
    yield PolicyClause("undo", _("Undo"), undo)


def _describe_audit(audit: AuditSettings, *, by_field: bool) -> str:
    if audit.per_day is not None:
        daily = _("%(number)s values of each field a day") if by_field else _("%(number)s automated outputs a day")
        quantity = daily % {"number": audit.per_day}
    elif audit.rate:
        share = _("%(share)s of the values of each field") if by_field else _("%(share)s of automated outputs")
        quantity = share % {"share": format_percent(audit.rate)}
    else:
        return _("None, so the error rate of automated outputs stays unknown.")
    if audit.mode == "hold":
        return _("%(quantity)s, at random; each is released only after its review.") % {"quantity": quantity}
    return _("%(quantity)s, at random; each is reviewed after its release.") % {"quantity": quantity}


def _describe_guarantee(settings: GuaranteeSettings) -> str:
    valid = _("Valid for %(days)s days, for this model version and these answers.") % {"days": settings.expires_days}
    then = {
        "keep": _("When it ends, the thresholds stay and the pages show that it ended."),
        "check_more": _("When it ends, every output is audited before it is released."),
        "all_to_people": _("When it ends, every output goes to review."),
    }[settings.on_expiry]
    late = _("An audit without an answer after %(days)s days counts as an error.") % {
        "days": _format_exactly(settings.due_days)
    }
    return f"{valid} {then} {late}"


def _describe_answer_first(policy: PolicySpec) -> str:
    if policy.answer_first:
        return _("Reviewers always answer before they see the model’s answer.")  # noqa: RUF001 - an apostrophe
    if policy.answer_first_share is None:
        return _("For audits and about as many ordinary items, reviewers answer before they see the model’s answer.")  # noqa: RUF001
    return _("For audits and %(share)s of ordinary items, reviewers answer before they see the model’s answer.") % {  # noqa: RUF001
        "share": format_percent(policy.answer_first_share)
    }


def _deadline_clauses(policy: PolicySpec) -> Iterator[PolicyClause]:
    due = (
        _("Outputs without their own deadline are due after %(hours)s hours.")
        % {"hours": _format_exactly(policy.deadline_hours)}
        if policy.deadline_hours is not None
        else _("Only for outputs that come with one.")
    )
    yield PolicyClause("deadline", _("Deadline"), due)
    then = {
        "hold": _("The output keeps waiting for review."),
        "accept": _("The model’s answer is accepted."),  # noqa: RUF001 - an apostrophe
        "reject": _("The output is rejected."),
    }[policy.on_deadline]
    yield PolicyClause("on_deadline", _("Past the deadline"), then)
    overload = {
        "refuse": _("New outputs are refused until the queue has room."),
        "hold": _("New outputs are accepted and held for review."),
    }[policy.on_overload]
    yield PolicyClause("on_overload", _("When the queue is full"), overload)


def _cost_clauses(costs: Costs) -> Iterator[PolicyClause]:
    def amount(value: float) -> str:
        exponent = Decimal(repr(value)).normalize().as_tuple().exponent
        digits = max(2, -exponent) if isinstance(exponent, int) else 2
        return f"{costs.currency} {locale_format.format_number(value, digits, grouped=True)}"

    yield PolicyClause("costs/review", _("Cost of a review"), amount(costs.review))
    yield PolicyClause("costs/error", _("Cost of an error"), amount(costs.error))
    for predicted, row in sorted(costs.matrix.items()):
        for true, cost in sorted(row.items()):
            label = _("Cost of “%(predicted)s” instead of “%(true)s”") % {"predicted": predicted, "true": true}
            yield PolicyClause(f"costs/{predicted}/{true}", label, amount(cost))
    yield from _part_cost_clauses(costs, amount)
    if costs.value_factor is not None:
        label = _("An error costs in addition, per unit of the output’s value")  # noqa: RUF001 - an apostrophe
        yield PolicyClause("costs/value_factor", label, f"{costs.currency} {_format_exactly(costs.value_factor)}")


def _part_cost_clauses(costs: Costs, amount: Callable[[float], str]) -> Iterator[PolicyClause]:
    for name, label in (("missed", _("Cost of a missed answer")), ("invented", _("Cost of an invented answer"))):
        if (cost := getattr(costs, name)) is not None:
            yield PolicyClause(f"costs/{name}", label, amount(cost))
    for answer, of_label in sorted(costs.by_label.items()):
        if of_label.missed is not None:
            label = _("Cost of missing “%(answer)s”") % {"answer": answer}
            yield PolicyClause(f"costs/by_label/{answer}/missed", label, amount(of_label.missed))
        if of_label.invented is not None:
            label = _("Cost of inventing “%(answer)s”") % {"answer": answer}
            yield PolicyClause(f"costs/by_label/{answer}/invented", label, amount(of_label.invented))
    for field, cost in sorted(costs.by_field.items()):
        label = _("Cost of an error in the field “%(field)s”") % {"field": field}
        yield PolicyClause(f"costs/by_field/{field}", label, amount(cost))
