"""An output's history: in order, in sentences, and without content unless asked."""

from __future__ import annotations

from escalation.models import Output, Stream
from escalation.outputs import history
from reviewqueue.models import Queue, User
from reviewqueue.queue import items
from reviewqueue.queue.claim import claim_next
from reviewqueue.queue.passing import pass_item
from reviewqueue.verdicts import submit, undo
from tests.helpers import traffic
from tests.helpers.traffic import NOON


def texts(external_id: str, *, content: bool = False) -> list[tuple[str, str]]:
    output = Output.objects.get(external_id=external_id)
    return [(line.text, line.actor) for line in history.build_output_history(output, content=content)]


def test_an_automated_output_says_why(queue: Queue) -> None:
    traffic.post_and_route(traffic.apply_stream(), "sure", model_version="7")
    assert texts("sure") == [
        ("Received from intent-clf 7.", ""),
        (
            "Automated: confidence reached the threshold (confidence 90 %; threshold 80 %; policy version 1).",
            "",
        ),
        ("Decided by the model: “refund”.", ""),
    ]


def test_a_review_is_listed_from_receipt_to_decision(queue: Queue, rob: User) -> None:
    traffic.post_and_route(traffic.apply_stream(), "unsure", confidence=0.625)
    traffic.judge_all(rob, lambda _: "billing", now=traffic.shift_noon(minutes=5))
    assert texts("unsure")[1:] == [
        (
            "Sent to review: confidence below the threshold (confidence 62.5 %; threshold 80 %; policy version 1).",
            "",
        ),
        ("Gave another answer: “billing”.", "rob"),
        ("Decided by reviewers: “billing”.", ""),
    ]


def test_an_audit_after_release_lists_both_decisions(queue: Queue, rob: User) -> None:
    traffic.post_and_route(traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 1.0}}), "checked")
    traffic.judge_all(rob, lambda _: "billing", now=traffic.shift_noon(minutes=5))
    entries = texts("checked")
    assert entries[1][0].startswith("Automated and drawn for a random audit (")
    assert entries[2][0] == "Decided by the model: “refund”."
    assert entries[3] == ("Gave another answer: “billing”; answered before seeing the model’s answer.", "rob")  # noqa: RUF001
    assert entries[4][0] == "Decided by reviewers: “billing” (revision 2)."


def test_passing_and_reopening_are_listed(queue: Queue, rob: User, ann: User) -> None:
    stream = traffic.apply_stream()
    traffic.post_and_route(stream, "unsure", confidence=0.4)
    claim = claim_next(user=rob, slug="intents", now=NOON)
    assert claim is not None
    pass_item(claim_id=claim.id, user=rob, now=NOON)
    traffic.judge_all(ann, lambda _: "refund", now=traffic.shift_noon(minutes=1))
    reopen(stream, ann)
    entries = texts("unsure")
    assert ("Passed it to someone else.", "rob") in entries
    assert ("Agreed with the model.", "ann") in entries
    assert entries[-1] == ("Reopened. The customer wrote back.", "ann")


def reopen(stream: Stream, ann: User) -> None:
    output = Output.objects.get(stream=stream)
    items.reopen_item(item_id=output.pk, by=ann, reason="The customer wrote back.")


def test_an_undone_verdict_stays_in_the_history(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream(undo_seconds=60)
    traffic.post_and_route(stream, "unsure", confidence=0.4)
    claim = claim_next(user=rob, slug="intents", now=NOON)
    assert claim is not None
    verdict = submit.submit_verdict(claim_id=claim.id, user=rob, kind="none", now=NOON)
    undo.undo_verdict(verdict_id=verdict.id, user=rob, now=traffic.shift_noon(seconds=20))
    assert [text for text, actor in texts("unsure") if actor == "rob"] == [
        "Chose “None of these”.",
        "Undid the verdict.",
    ]


def test_structured_answers_are_shown_only_with_content(queue: Queue, rob: User) -> None:
    assert history.describe_answer({"total": 12.5}, content=False) == "a structured answer"
    assert "12.5" in history.describe_answer({"total": 12.5}, content=True)
    assert history.describe_answer(["a", "b"], content=False) == "“a”, “b”"


def test_actors_are_shown_by_name() -> None:
    assert [history.describe_actor(actor) for actor in ("user:ann", "key:12", "system:settle")] == [
        "ann",
        "API key 12",
        "the system",
    ]
