"""Stream definitions from files."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from escalation.models import ApprovalRequest, Policy, Stream
from escalation.policies import versions
from escalation.streams import definition, definition_file
from reviewqueue.kernel.errors import Invalid, NotFound
from reviewqueue.models import Event, Queue
from reviewqueue.queue.settings import get_answer_spec
from tests.helpers import stream_setup

FILE = """
streams:
  - slug: intents
    title: Support intents
    answers: [billing, refund, card_arrival]
    guidelines: "**refund**: money goes back."
    error_types: [wrong intent, two intents]
    display: {ticket: fields}
    owner: support
    risk: high
    review: {reviews: 2, reserve_minutes: 20, answer_first: false, undo_seconds: 30, deadline_hours: 24,
             on_deadline: hold, max_waiting: 500}
    policy:
      threshold: 0.80
      thresholds: {refund: 0.90}
      segments: [{when: {language: de}, threshold: 0.95}]
      rules: [{name: large amounts, when: {value: {gte: 1000}}, route: review}]
      audit: {rate: 0.05, mode: after}
    costs: {currency: EUR, review: 0.40, error: 5.00, matrix: {billing: {refund: 12.00}}}
"""


def _applied(tmp_path: Path, text: str = FILE) -> str:
    file = tmp_path / "streams.yaml"
    file.write_text(text)
    call_command("apply", str(file))
    return text


def test_a_file_creates_a_stream_its_queue_and_its_policy(
    db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _applied(tmp_path)
    assert "intents: created. Version 1 is in effect." in capsys.readouterr().out
    stream, queue = definition.get_stream("intents"), Queue.objects.get(slug="intents")
    assert (stream.owner, stream.risk, stream.max_waiting, queue.reserve_minutes) == ("support", "high", 500, 20)
    assert (queue.error_types, queue.display) == (["wrong intent", "two intents"], {"ticket": "fields"})
    current = versions.find_active_policy(stream)
    assert current
    assert (current.spec.reviews, current.spec.deadline_hours, current.spec.costs.error) == (2, 24, 5)
    assert current.spec.rules[0].name == "large amounts"


def test_applying_the_same_file_again_changes_nothing(db: None, tmp_path: Path) -> None:
    _applied(tmp_path)
    events = Event.objects.count()
    _applied(tmp_path)
    assert Event.objects.count() == events
    assert Policy.objects.count() == 1


def test_applying_a_looser_policy_makes_a_draft(db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _applied(tmp_path)
    _applied(tmp_path, FILE.replace("threshold: 0.80", "threshold: 0.60"))
    assert "Version 2 is a draft" in capsys.readouterr().out


def test_applying_a_draft_again_asks_for_its_approval_once(tmp_path: Path, stream: Stream) -> None:
    stream_setup.route_outputs(stream, stream_setup.build_output())
    looser = "streams: [{slug: intents, title: T, answers: [billing, refund, card_arrival], policy: {threshold: 0.1}}]"
    for _ in range(3):
        _applied(tmp_path, looser)
    assert ApprovalRequest.objects.count() == Event.objects.filter(verb="policy.proposed").count() == 1


def test_a_changed_setting_is_applied_and_logged(db: None, tmp_path: Path) -> None:
    _applied(tmp_path)
    secret = bytes(Stream.objects.get().secret)
    _applied(tmp_path, FILE.replace("max_waiting: 500", "max_waiting: 600"))
    event = Event.objects.get(verb="stream.changed")
    assert (event.before, event.after) == ({"max_waiting": 500}, {"max_waiting": 600})
    assert bytes(Stream.objects.get().secret) == secret, "draws and digests hang on it"
    assert Policy.objects.count() == 1


def _refusal(tmp_path: Path, raw: bytes) -> str:
    file = tmp_path / "streams.yaml"
    file.write_bytes(raw)
    with pytest.raises(CommandError) as refused:
        call_command("apply", str(file))
    assert not Stream.objects.exists()
    return str(refused.value).removeprefix(f"{file}: ")


def test_a_refused_file_says_where_what_and_what_to_do(db: None, tmp_path: Path) -> None:
    answers, thresholds, matrix = "answers: [billing, refund, card_arrival]", "{refund: 0.90}", "{refund: 12.00}"
    expected = [
        ("slug: intents", "slug: In tents", "streams[0].slug: “In tents” is not allowed here. Use 1 to 49 lowercase"),
        ("title: Support", "titel: Support", "streams[0].titel: Unknown key “titel”. Did you mean “title”?"),
        ("risk: high", "risk: huge", "streams[0].risk: “huge” is not allowed here. Use low, medium or high."),
        ("reviews: 2", "revews: 2", "stream intents: review.revews: Unknown key “revews”. Did you mean “reviews”?"),
        ("reviews: 2", "reviews: two", "stream intents: review.reviews: This must be a whole number, not “two”."),
        ("threshold: 0.80", "threshold: 80", "policy.threshold: This must be at most 1, not 80."),
        ("threshold: 0.80", "reviews: 3", "stream intents: review.reviews: This is also given under `policy`."),
        ("currency: EUR", "currency: Euro", "costs.currency: “Euro” is not allowed here. Write a currency as three"),
        (thresholds, "{Refund: 0.99}", "policy.thresholds.Refund: “Refund” is not an answer of this stream. Did you"),
        (thresholds, "{dispute: 0.99}", "“dispute” is not an answer of this stream. Its answers: “billing”, “refund”"),
        (thresholds, "{refund: x}", "policy.thresholds.refund: This must be a number, not “x”."),
        (matrix, "{blling: 3}", "costs.matrix.billing.blling: “blling” is not an answer of this stream. Did you mean"),
        ("{value: {gte: 1000}}", "{prediction: {in: [refnd]}}", "rules[0].when.prediction.in[0]: “refnd” is not"),
        (answers, f"{answers}\n    multiple: true", "stream intents: costs.matrix: The costs of single errors need"),
        (answers, "answers: [yes, refund]", "streams[0].answers[0]: This must be text, not true. Put it in quotes"),
        (answers, "answers: [2026-01-01]", "streams[0].answers[0]: This must be text, not 2026-01-01"),
        (answers, "answers: [refund, Refund]", "answers[1]: The answers “refund” and “Refund” look the same"),
        (answers, "answers: [' a', b]", "answers[0]: The answer “ a” begins or ends with a blank. Remove it."),
        (answers, 'answers: ["a\\u2028b"]', "answers[0]: The answer “ab” contains an invisible character (U+2028)"),
        (answers, 'answers: ["a\\0b", c]', "Line 5: the character U+0000 is not allowed. Remove it."),
        (answers, f"{answers}\n    {answers}", "Line 6: the key “answers” is already in line 5. Remove one of them."),
        (answers, f"answers: [{'9' * 5000}]", "Line 5: this value cannot be read: Exceeds the limit"),
        (answers, "answers: &a [*a]", "Line 5: a value contains itself."),
        (answers, f"answers: {'[' * 5000}", "The file is nested too deeply."),
        (answers, "schema: {type: object, properties: {a: {const: 2026-01-01}}}", "a.const: JSON has no values"),
        (answers, "schema: {type: object, properties: {yes: {}}}", "schema.properties: Every name in the JSON schema"),
        ("slug: intents", "slug: new", "streams[0]: The slug “new” is the address of another page; choose another one"),
        ("reviews: 2", "reviews: 1:30", "YAML reads 1:30 as another number. Write it in decimals"),
        ("{gte: 1000}", "{gte: 010}", "YAML reads 010 as another number. Write it in decimals"),
        ("threshold: 0.80", "threshold: {a: b: c}", "Line "),
        ("owner: support", "owner: !!python/name:os.system x", "Line 9: could not determine a constructor"),
    ]  # fmt: skip
    for old, new, error in expected:
        assert old in FILE
        refusal = _refusal(tmp_path, FILE.replace(old, new, 1).encode())
        assert error in refusal, (new, refusal)
        assert "Traceback" not in refusal
        assert "\\Z" not in refusal, "no patterns"


def test_a_file_is_read_in_every_encoding_that_names_itself(db: None, tmp_path: Path) -> None:
    text = "streams:\n  - {slug: e1, title: Prüfung, answers: [a, b]}\n"
    error = "Line 2: byte 0xFC is not UTF-8 (“ü” in Windows-1252?). Save the file as UTF-8."
    assert _refusal(tmp_path, text.encode("cp1252")) == error
    assert "U+0000" in _refusal(tmp_path, text.replace("ü", "u").encode("utf-16-le"))
    assert "begins like utf-16" in _refusal(tmp_path, text.encode("utf-16") + b"\x00")
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        (tmp_path / "streams.yaml").write_bytes(text.encode(encoding))
        call_command("apply", str(tmp_path / "streams.yaml"))
        assert Stream.objects.get().title == "Prüfung"


def test_parts_of_a_policy_without_a_policy_are_refused(db: None, tmp_path: Path) -> None:
    stream = "streams: [{slug: e, title: E, answers: [a], %s}]"
    assert "review.reviews: This is a part of the policy" in _refusal(
        tmp_path, (stream % "review: {reviews: 2}").encode()
    )
    assert "costs: This is a part of the policy" in _refusal(tmp_path, (stream % "costs: {error: 2}").encode())
    assert "review.max_wating: Unknown key" in _refusal(tmp_path, (stream % "review: {max_wating: 2}").encode())


def test_a_slug_given_twice_is_refused(db: None, tmp_path: Path) -> None:
    one = "{slug: e, title: E, answers: [a]}"
    assert "streams[1].slug: There are two streams" in _refusal(tmp_path, f"streams: [{one}, {one}]".encode())


def test_a_very_long_list_is_refused_at_once(db: None) -> None:
    names = [f"answer {number}" for number in range(100_000)]
    began = time.process_time()
    (parsed,) = definition.parse_definitions({"streams": [{"slug": "e", "title": "E", "answers": names}]})
    with pytest.raises(Invalid, match="at most 1000 answers"):
        definition.apply_definition(parsed, actor="user:mara")
    with pytest.raises(Invalid, match="200"):
        definition.parse_definitions({"streams": [{"slug": "e", "title": "E", "answers": ["a"], "error_types": names}]})
    assert time.process_time() - began < 2


def test_any_bytes_are_applied_or_refused_with_a_sentence() -> None:
    @given(
        st.binary(max_size=60)
        | st.text(st.sampled_from("{}[]:,&*!|>-'\"\n #a\0\ud800<%@`~"), max_size=30).map(
            lambda text: text.encode("utf-8", "surrogatepass")
        )
    )
    def check(raw: bytes) -> None:
        with contextlib.suppress(Invalid):
            definition.parse_definitions(definition_file.parse_file(raw))

    check()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("slug: intents", "slug: Intents"),
        ("slug: intents", "slug: 'intents\n\n'"),
        ("title: Support intents", "titel: Support intents"),
        ("title: Support intents", "title: ''"),
        ("answers: [billing, refund, card_arrival]", "answers: [billing, billing]"),
        ("answers: [billing, refund, card_arrival]", "answers: []"),
        ("answers: [billing, refund, card_arrival]", "answers: [billing]\n    schema: {type: object}"),
        ("answers: [billing, refund, card_arrival]", "multiple: true"),
        ("risk: high", "risk: enormous"),
        ("max_waiting: 500", "max_waiting: 0"),
        ("max_waiting: 500", "max_waiting: 99999999999"),
        ("reserve_minutes: 20", "reserve_minutes: 0"),
        ("reviews: 2", "revews: 2"),
        ("threshold: 0.80", "threshold: .nan"),
        ("threshold: 0.80", "threshold: 80"),
        ("{gte: 1000}", "{gte: .nan}"),
        ("{gte: 1000}", "{gte: .inf}"),
        ("{language: de}", "{language: no}"),
        ("streams:", "stream:"),
        (FILE, ""),
        (FILE, "streams: 3"),
        (FILE, "streams: [null]"),
        (FILE, "{"),
    ],
)
def test_an_invalid_file_changes_nothing(db: None, tmp_path: Path, old: str, new: str) -> None:
    assert old in FILE
    with pytest.raises(CommandError):
        _applied(tmp_path, FILE.replace(old, new, 1))
    assert not Stream.objects.exists()
    assert not Queue.objects.exists()


def test_a_missing_file_is_reported(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Cannot read"):
        call_command("apply", str(tmp_path / "nothing.yaml"))


def test_one_invalid_stream_rejects_the_whole_file(db: None, tmp_path: Path) -> None:
    bad = "  - {slug: other, title: Other, answers: [a], policy: {threshold: 2}}\n"
    with pytest.raises(CommandError, match="threshold"):
        _applied(tmp_path, FILE + bad)
    assert not Stream.objects.exists()


def test_a_schema_that_only_python_takes_for_the_same_is_a_new_one(db: None) -> None:
    def apply(**properties: Any) -> int:
        schema = {"type": "object", "properties": properties}
        (one,) = definition.parse_definitions({"streams": [{"slug": "s", "title": "S", "schema": schema}]})
        return definition.apply_definition(one, actor="user:mara").stream.schema_number

    assert apply(a={"const": 1}, b={"type": "string"}) == 1
    assert apply(a={"const": 1}, b={"type": "string"}) == 1
    assert apply(a={"const": True}, b={"type": "string"}) == 2
    assert apply(b={"type": "string"}, a={"const": True}) == 3, "reviewers see the fields in this order"


def test_without_a_policy_in_the_file_the_active_one_stays(stream: Stream) -> None:
    assert stream_setup.create_stream(policy=None).pk == stream.pk
    assert versions.find_active_policy(stream)


def test_an_unknown_stream_is_not_found(db: None) -> None:
    with pytest.raises(NotFound):
        definition.get_stream("nothing")


@pytest.mark.parametrize("data", [None, [], {"streams": None}, {"streams": [{}]}])
def test_data_that_is_not_a_definition_is_rejected(data: Any) -> None:
    with pytest.raises(Invalid):
        definition.parse_definitions(data)


def test_another_unit_of_errors_makes_new_answers_that_take_two_people(db: None) -> None:
    plain = {"slug": "s", "title": "S", "answers": ["a", "b"], "multiple": True, "policy": {"threshold": 0.5}}

    def apply(**changed: Any) -> definition.AppliedDefinition:
        (one,) = definition.parse_definitions({"streams": [{**plain, **changed}]})
        return definition.apply_definition(one, actor="user:mara")

    stream_setup.post_outputs(apply().stream, stream_setup.build_output(prediction=["a"]))
    changed = apply(error_unit="label")
    assert (changed.stream.schema_number, changed.proposed and changed.proposed.active) == (2, False)
    assert get_answer_spec(slug="s", number=2).has_label_errors
    assert apply(error_unit="label").stream.schema_number == 2
    with pytest.raises(Invalid, match="only where several can be right") as refusal:
        apply(multiple=False, error_unit="label")
    assert refusal.value.errors[0]["pointer"] == "/error_unit"
