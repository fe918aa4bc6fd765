"""Stream definitions from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from escalation.models import Policy, Stream
from escalation.policies import versions
from escalation.streams import definition
from reviewqueue.kernel.errors import Invalid, NotFound
from reviewqueue.models import Event, Queue
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


def test_a_changed_setting_is_applied_and_logged(db: None, tmp_path: Path) -> None:
    _applied(tmp_path)
    secret = bytes(Stream.objects.get().secret)
    _applied(tmp_path, FILE.replace("max_waiting: 500", "max_waiting: 600"))
    event = Event.objects.get(verb="stream.changed")
    assert (event.before, event.after) == ({"max_waiting": 500}, {"max_waiting": 600})
    assert bytes(Stream.objects.get().secret) == secret, "draws and digests hang on it"
    assert Policy.objects.count() == 1


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
