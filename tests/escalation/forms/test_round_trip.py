"""Saving a form that nobody touched changes nothing, whatever is stored."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from escalation.forms.policies import PolicyForm
from escalation.forms.streams import StreamForm, build_stored_values, build_stream_initial
from escalation.models import Policy, Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec, dump_spec, parse_spec
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.models import AnswerSchema, Event, Guideline, Queue, User
from reviewqueue.queue.settings import get_answer_spec
from tests.escalation.forms.test_line_syntax import NUMBERS, SHARES, TEXTS
from tests.helpers import stream_setup
from tests.helpers.form_posts import post_untouched

NAMES = TEXTS.filter(bool)
MONEY = st.floats(0, 1e12) | st.just(-0.0)
LABEL_COSTS = st.dictionaries(st.sampled_from(["missed", "invented"]), MONEY, min_size=1)
NASTY_TEXTS = [" lead", "trail ", "a\u2028b", "\u00a0x", "x\r\ny", '"quoted"', "tab\tinside", "\x85y", "#", "é"]

POLICIES = st.fixed_dictionaries(
    {
        "threshold": st.none() | SHARES,
        "thresholds": st.dictionaries(TEXTS, SHARES | st.just(-0.0), max_size=3),
        "segments": st.lists(
            st.fixed_dictionaries({"when": st.dictionaries(TEXTS, TEXTS, max_size=2), "threshold": SHARES}), max_size=2
        ),
        "rules": st.dictionaries(
            NAMES.map(lambda name: name[:100]),
            st.one_of(
                st.fixed_dictionaries({"value": st.fixed_dictionaries({"gte": NUMBERS, "in": st.lists(NUMBERS)})}),
                st.dictionaries(
                    TEXTS.map(lambda key: f"segment.{key}"),
                    st.fixed_dictionaries({"in": st.lists(TEXTS), "eq": TEXTS}),
                    min_size=1,
                    max_size=2,
                ),
            ),
            max_size=2,
        ).map(lambda rules: [{"name": name, "when": when} for name, when in rules.items()]),
        "audit": st.fixed_dictionaries({"mode": st.sampled_from(["hold", "after"])})
        | st.fixed_dictionaries({"rate": SHARES})
        | st.fixed_dictionaries({"per_day": st.integers(0, 10**9)}),
        "model_versions": st.lists(TEXTS, max_size=3),
        "answer_first_share": st.none() | SHARES,
        "deadline_hours": st.none() | st.floats(0, 24 * 366, exclude_min=True),
        "guarantee": st.fixed_dictionaries({"due_days": st.floats(0, 366, exclude_min=True)}),
        "costs": st.fixed_dictionaries(
            {
                "review": MONEY,
                "error": MONEY,
                "matrix": st.dictionaries(TEXTS, st.dictionaries(TEXTS, MONEY, max_size=2), max_size=2),
                "missed": st.none() | MONEY,
                "by_label": st.dictionaries(TEXTS, LABEL_COSTS, max_size=2),
                "by_field": st.dictionaries(TEXTS, MONEY, max_size=2),
                "value_factor": st.none() | MONEY,
            }
        ),
    }
).map(parse_spec)


@given(POLICIES)
def test_an_untouched_policy_form_describes_the_same_policy(policy: PolicySpec) -> None:
    form = PolicyForm(post_untouched(PolicyForm(policy=policy)), policy=policy)
    assert form.is_valid(), form.errors
    assert repr(dump_spec(versions.validate_spec(form.spec()))) == repr(dump_spec(policy)), "-0.0 is not 0.0"


@given(POLICIES, st.sampled_from(["reviews", "undo_seconds"]))
def test_one_changed_field_leaves_the_others_as_they_are(policy: PolicySpec, field: str) -> None:
    posted = post_untouched(PolicyForm(policy=policy)) | {field: "7"}
    form = PolicyForm(posted, policy=policy)
    assert form.is_valid(), form.errors
    assert dump_spec(versions.validate_spec(form.spec())) == dump_spec(policy) | {field: 7}


@given(
    st.fixed_dictionaries(
        {
            "title": NAMES, "question": TEXTS, "owner": TEXTS, "guidelines": TEXTS,
            "answers": st.lists(NAMES, unique=True, min_size=1, max_size=40),
            "error_unit": st.sampled_from(["output", "label"]),
            "error_types": st.lists(NAMES, unique=True, max_size=3),
            "display": st.dictionaries(TEXTS, st.sampled_from(["table", "fields"]), max_size=3),
            "schema": st.none()
            | st.fixed_dictionaries({"type": st.just("object"), "default": NUMBERS, "title": TEXTS}),
        }
    )
)  # fmt: skip
def test_an_untouched_stream_form_describes_the_same_stream(values: dict[str, Any]) -> None:
    settings: Any = {
        "stream": SimpleNamespace(title=values["title"], owner=values["owner"], risk="high", max_waiting=123_456),
        "queue": SimpleNamespace(
            question=values["question"], error_types=values["error_types"], display=values["display"], reserve_minutes=9
        ),
        "guidelines": values["guidelines"],
        "form": AnswerSpec("structured", schema=values["schema"])
        if values["schema"]
        else AnswerSpec("labels", values["answers"], error_unit=values["error_unit"]),
    }
    initial, stored = build_stream_initial(**settings), build_stored_values(**settings)
    form = StreamForm(post_untouched(StreamForm(initial=initial)), initial=initial, stored=stored)
    assert form.is_valid(), form.errors
    assert {name: form.cleaned_data[name] for name in stored} == stored


def test_saving_an_untouched_form_changes_nothing_in_the_browser(client: Client, queue: Queue, mara: User) -> None:
    stream = stream_setup.create_stream(policy={"threshold": 0.1 + 0.2, "audit": {"rate": 0.1}})
    # As earlier releases stored them; today such answers are refused when they are made.
    AnswerSchema.objects.filter(queue=queue).update(answers=NASTY_TEXTS)
    get_answer_spec.cache_clear()
    Guideline.objects.filter(queue=queue).update(text="one\r\ntwo\u2028\n\n")
    Queue.objects.filter(pk=queue.pk).update(title=" T ", error_types=[" x", "y "], display={" rows": "table"})
    Stream.objects.filter(pk=stream.pk).update(title=" T ", owner="o ")
    client.force_login(mara)
    events = Event.objects.count()
    for page in ("/streams/intents/edit/", "/streams/intents/policies/new/"):
        answer = client.post(page, post_untouched(client.get(page).context["form"]))
        assert answer.status_code == 302, answer.context["form"].errors
    assert [event.verb for event in Event.objects.order_by("id")[events:]] == []
    assert (Policy.objects.count(), AnswerSchema.objects.count(), Guideline.objects.count()) == (1, 1, 1)
