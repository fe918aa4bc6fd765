"""An output's story: in order, in sentences, and without content unless asked."""

from __future__ import annotations

from escalation.models import Output, Stream
from escalation.outputs import history
from reviewqueue.models import Queue, User
from reviewqueue.queue import items
from reviewqueue.queue.claim import claim_next, pass_item
from reviewqueue.verdicts import submit
from tests.helpers import traffic
from tests.helpers.traffic import NOON


def texts(external_id: str, *, content: bool = False) -> list[tuple[str, str]]:
    output = Output.objects.get(external_id=external_id)
    return [(line.text, line.actor) for line in history.build_output_history(output, content=content)]


def test_what_was_handled_automatically_says_why(queue: Queue) -> None:
    traffic.post_and_route(traffic.apply_stream(), "sure", model_version="7")
    assert texts("sure") == [
        ("Received from intent-clf 7.", ""),
        (
            "Handled automatically: confidence reached the threshold (90 % sure; enough is 80 %; policy version 1).",
            "",
        ),
        ("Decided by the AI: “refund”.", ""),
    ]


def test_a_review_is_told_from_receipt_to_decision(queue: Queue, rob: User) -> None:
    traffic.post_and_route(traffic.apply_stream(), "unsure", confidence=0.625)
    traffic.judge_all(rob, lambda _: "billing", now=traffic.shift_noon(minutes=5))
    assert texts("unsure")[1:] == [
        (
            "Sent to a person: confidence below the threshold (62.5 % sure; enough is 80 %; policy version 1).",
            "",
        ),
        ("Gave another answer: “billing”.", "rob"),
        ("Decided by people: “billing”.", ""),
    ]


def test_a_check_after_the_fact_tells_both_decisions(queue: Queue, rob: User) -> None:
    traffic.post_and_route(traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 1.0}}), "checked")
    traffic.judge_all(rob, lambda _: "billing", now=traffic.shift_noon(minutes=5))
    entries = texts("checked")
    assert entries[1][0].startswith("Handled automatically, and drawn for a random audit")
    assert entries[2][0] == "Decided by the AI: “refund”."
    assert entries[3] == ("Gave another answer: “billing”; had answered before seeing the AI’s answer.", "rob")  # noqa: RUF001
    assert entries[4][0] == "Decided by people: “billing” (change 1 of the decision)."


def test_passing_and_reopening_are_part_of_it(queue: Queue, rob: User, ann: User) -> None:
    stream = traffic.apply_stream()
    traffic.post_and_route(stream, "unsure", confidence=0.4)
    claim = claim_next(user=rob, slug="intents", now=NOON)
    assert claim is not None
    pass_item(claim_id=claim.id, user=rob, now=NOON)
    traffic.judge_all(ann, lambda _: "refund", now=traffic.shift_noon(minutes=1))
    reopen(stream, ann)
    entries = texts("unsure")
    assert ("Passed it to someone else.", "rob") in entries
    assert ("Agreed with the AI.", "ann") in entries
    assert entries[-1] == ("Opened again. The customer wrote back.", "ann")


def reopen(stream: Stream, ann: User) -> None:
    output = Output.objects.get(stream=stream)
    items.reopen_item(item_id=output.pk, by=ann, reason="The customer wrote back.")


def test_a_verdict_taken_back_stays_in_the_story(queue: Queue, rob: User) -> None:
    stream = traffic.apply_stream(undo_seconds=60)
    traffic.post_and_route(stream, "unsure", confidence=0.4)
    claim = claim_next(user=rob, slug="intents", now=NOON)
    assert claim is not None
    verdict = submit.submit_verdict(claim_id=claim.id, user=rob, kind="none", now=NOON)
    submit.undo_verdict(verdict_id=verdict.id, user=rob, now=traffic.shift_noon(seconds=20))
    assert [text for text, actor in texts("unsure") if actor == "rob"] == [
        "Said that none of the answers is right.",
        "Took that back.",
    ]


def test_answers_of_several_parts_are_told_only_with_content(queue: Queue, rob: User) -> None:
    assert history.describe_answer({"total": 12.5}, content=False) == "an answer of several parts"
    assert "12.5" in history.describe_answer({"total": 12.5}, content=True)
    assert history.describe_answer(["a", "b"], content=False) == "“a”, “b”"


def test_actors_are_told_by_name() -> None:
    assert [history.describe_actor(actor) for actor in ("user:ann", "key:12", "system:settle")] == [
        "ann",
        "key 12",
        "the system",
    ]
