"""Data for the scenes: texts, answer lists, guidelines, and a stream with a guarantee."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import msgspec
from django.utils import timezone

from escalation.guarantees import evaluations, guarantees
from escalation.models import Evaluation, GuaranteeWatch, Stream
from escalation.monitoring import heartbeats
from escalation.monitoring.sweeps import SWEEPS
from escalation.policies import versions
from escalation.simulation import daily_counts
from reviewqueue.models import Membership, Queue, User
from tests.helpers import measured_recall, stream_history, stream_setup, traffic

OTHER_QUEUE_SIZES = {"Supplier invoices": 18, "Listing photos": 42}
DECIDED_LETTERS = (
    ("Where is the card you wanted to send me last week?", "card_arrival"),
    ("I would like my money back for the second ticket.", "refund"),
    ("Why is there a fee of 2.50 on my statement?", "billing"),
    ("Please cancel the order and pay back what I have paid.", "refund"),
)
_ANGRY = "A customer who is angry and asks for money back wants a refund, whatever else the letter says."
_ARRIVAL = "**card_arrival**: a card that was ordered has not come."
GUIDELINES = (
    "**refund**: money goes back to the customer.\n\n"
    f"**billing**: a question about an amount, a fee or a statement.\n\n{_ARRIVAL}\n\n{_ANGRY}",
    "**refund**: money goes back to the customer, all of it or a part.\n\n"
    "**billing**: a question about an amount, a fee or a statement. Being charged twice is a refund when the customer "
    f"asks for the second payment.\n\n{_ARRIVAL}\n\n{_ANGRY}",
)
TOPICS = ["price", "delivery", "packaging", "quality", "service", "size", "website", "returns"]
REVIEW = (
    "The jacket is lovely and fits, but it took eleven days and two calls until it was here, and the box was torn open "
    "at one side. For what it cost I had expected more care on the way."
)
INVOICE = (
    "Muster & Sohn GmbH\nBahnhofstrasse 4, Bern\n\nInvoice of 2 November 2026\n\n4 x Paper, A4, together 19.00\n"
    "Delivery 100.00\n\nTotal EUR 119.00\n\nPayable within 30 days, without deduction."
)
FULL_INVOICE = (
    "Muster & Sohn GmbH\nBahnhofstrasse 4, 3011 Bern\nCHE-112.233.445 MWST\n\nFischer Elektro AG\n\n"
    "Invoice 2026-1182 of 2 November 2026\nPayable by 3 December 2026\n\n4 x Paper, A4, together 19.00\n"
    "Delivery 100.00\n\nNet 110.08\nVAT 8.1 %  8.92\nTotal CHF 119.00\n\nIBAN CH93 0076 2011 6238 5295 7"
)
INTENTS = tuple(
    """
activate_my_card age_limit apple_pay_or_google_pay atm_support automatic_top_up balance_not_updated_after_transfer
balance_not_updated_after_cheque beneficiary_not_allowed cancel_transfer card_about_to_expire card_acceptance
card_arrival card_delivery_estimate card_linking card_not_working card_payment_fee_charged
card_payment_not_recognised card_payment_wrong_exchange_rate card_swallowed cash_withdrawal_charge
cash_withdrawal_not_recognised change_pin compromised_card contactless_not_working country_support
declined_card_payment declined_cash_withdrawal declined_transfer direct_debit_not_recognised disposable_card_limits
edit_personal_details exchange_charge exchange_rate exchange_via_app extra_charge_on_statement failed_transfer
fiat_currency_support get_disposable_virtual_card get_physical_card getting_spare_card getting_virtual_card
lost_or_stolen_card lost_or_stolen_phone order_physical_card passcode_forgotten pending_card_payment
pending_cash_withdrawal pending_top_up pending_transfer pin_blocked receiving_money refund_not_showing_up
request_refund reverted_card_payment supported_cards_and_currencies terminate_account top_up_by_bank_transfer_charge
top_up_by_card_charge top_up_by_cash_or_cheque top_up_failed top_up_limits top_up_reverted topping_up_by_card
transaction_charged_twice transfer_fee_charged transfer_into_account transfer_not_received transfer_timing
unable_to_verify_identity verify_my_identity verify_source_of_funds verify_top_up virtual_card_not_working
visa_or_mastercard why_verify_identity wrong_amount_of_cash_received wrong_exchange_rate_for_cash
""".split()  # noqa: SIM905 - a list of 77 lines is no easier to read
)


def build_routing_reason(confidence: float) -> dict[str, Any]:
    message = "Confidence is %(confidence)s; this stream sends outputs below %(threshold)s to review."
    return {"message": message, "params": {"confidence": confidence, "threshold": 0.8}}


def record_heartbeats() -> None:
    """Record fresh heartbeats of the worker and the sweeps."""
    for sweep in SWEEPS:
        heartbeats.record_success(sweep)


def create_evaluated_stream() -> Stream:
    """A stream with some days of traffic, an error target, and an evaluation."""
    stream = create_stream_without_target()
    _write_traffic(stream, 3000)
    _set_error_target(stream)
    evaluations.run_evaluation(stream, by="user:mara")
    return stream


def create_stream_without_target() -> Stream:
    """A stream without traffic and without an error target, and its manager."""
    record_heartbeats()
    stream = traffic.apply_stream(policy={"threshold": 0.9, "audit": {"rate": 0.5, "mode": "after"}})
    mara = User.objects.create(username="mara", role="manager", password="!")
    Membership.objects.create(user=mara, queue=Queue.objects.get(slug="intents"))
    return stream


def create_guarantee_per_answer() -> None:
    """A guarantee in force for each answer that meets the target; one answer is too rare."""
    stream, rng = create_stream_without_target(), random.Random(1)
    _write_traffic(stream, 4000, predicted=rng.choices(traffic.ANSWERS, [50, 47, 3], k=4000))
    _set_error_target(stream, groups="classes")
    _activate_guarantee(stream)


def create_ended_guarantee() -> None:
    """A guarantee that an alarm has ended."""
    stream = create_stream_without_target()
    _write_traffic(stream, 1600)
    _set_error_target(stream)
    evaluation = _activate_guarantee(stream)
    GuaranteeWatch.objects.create(
        evaluation=evaluation, seen=evaluation.last_id, audits=214, wrong=31, alarmed_at=timezone.now()
    )
    guarantees.enforce_ended_guarantees()


def create_tasks_for_managers() -> None:
    """An ended guarantee, and a version that waits for the approval of another manager."""
    create_ended_guarantee()
    stream = Stream.objects.get()
    current = versions.find_active_policy(stream)
    assert current
    spec = msgspec.structs.replace(current.spec, threshold=0.5)
    versions.propose_version(stream=stream, spec=spec, actor="user:max", reason="fewer reviews on Mondays")


def _write_traffic(stream: Stream, count: int, **fields: Any) -> None:
    rng = random.Random(1)
    scores = [1 - rng.random() ** 3 for _ in range(count)]
    wrong = [rng.random() > score for score in scores]
    since = timezone.now() - timedelta(days=9)
    stream_history.write_history(stream, scores, wrong, since=since, span=timedelta(days=8), **fields)
    daily_counts.refresh_counts()


def _set_error_target(stream: Stream, groups: str = "together") -> None:
    said_at = timezone.now() - timedelta(days=10)
    measured_recall.set_error_target(
        stream=stream, max_error=0.05, declared_audits=450, groups=groups, actor="user:mara", now=said_at
    )


def _activate_guarantee(stream: Stream) -> Evaluation:
    evaluation = evaluations.run_evaluation(stream, by="user:mara")
    made = guarantees.propose_certified_policy(evaluation=evaluation, actor="user:mara")
    if not made.active:
        stream_setup.ensure_managers()
        versions.approve_version(policy=made.policy, by="user:max")
    return evaluation
