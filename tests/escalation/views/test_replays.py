"""The replay of a policy version says which outputs it left out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from escalation.models import Output, Stream
from escalation.views import replays
from reviewqueue.models import User
from tests.helpers import stream_history, traffic

PAGE = "/streams/intents/policies/1/replay/?days=7"
CUT = "Too many outputs for one replay"


@pytest.fixture
def stream(queue: object) -> Stream:
    return traffic.apply_stream(policy={"threshold": 0.8})


def _past(stream: Stream, count: int, *, stopped: int = 0) -> None:
    """`count` outputs, followed by those that a stop sent to review."""
    start, span = timezone.now() - timedelta(days=5), timedelta(days=2)
    stream_history.write_history(stream, [0.9] * count, [False] * count, since=start, span=span)
    stream_history.write_history(
        stream, [0.9] * stopped, [False] * stopped, since=start + span, span=span, prefix="stopped", override="stopped"
    )


def _shown(client: Client, mara: User, monkeypatch: pytest.MonkeyPatch, most: int) -> str:
    monkeypatch.setattr(replays, "MAX_REPLAYED_OUTPUTS", most)
    client.force_login(mara)
    return client.get(PAGE).content.decode()


def test_a_cut_window_says_since_when_outputs_are_counted(
    client: Client, stream: Stream, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _past(stream, 45, stopped=5)
    shown = _shown(client, mara, monkeypatch, 40)
    assert "of 35 outputs" in shown
    assert CUT in shown
    since = timezone.localtime(Output.objects.order_by("-pk")[39].received_at)
    assert f"only those received since {date_format(since, 'j M Y H:i')} are counted" in shown


@pytest.mark.parametrize("most", [50, 51])
def test_a_window_that_just_fits_was_not_cut(
    client: Client, stream: Stream, mara: User, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    _past(stream, 45, stopped=5)
    shown = _shown(client, mara, monkeypatch, most)
    assert "of 45 outputs" in shown
    assert CUT not in shown


def test_a_cut_window_without_routed_outputs_says_only_that(
    client: Client, stream: Stream, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _past(stream, 40, stopped=10)
    shown = _shown(client, mara, monkeypatch, 10)
    assert CUT in shown
    assert "None of the outputs received since then was routed by a policy." in shown
    assert "in this period was routed" not in shown
