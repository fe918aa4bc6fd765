"""Policy versions in the browser: the form matches the policy, and loosening takes two people."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from escalation.forms.policies import PolicyForm
from escalation.models import Activation, Policy
from escalation.policies import describe, versions
from escalation.policies.spec import dump_spec, parse_spec
from reviewqueue.models import Event, Queue, User
from tests.helpers import stream_setup, traffic
from tests.helpers.form_posts import post_untouched

FULL: dict[str, Any] = {
    "threshold": 0.925,
    "thresholds": {"refund": 0.9, "a: b": 1.0},
    "segments": [{"when": {"language": "de", "region": "a,b"}, "threshold": 0.95}],
    "rules": [
        {"name": "large: amounts", "when": {"value": {"gte": 1e3, "lt": 2e6}, "prediction": {"in": ["a", "x and y"]}}},
        {"name": "two", "when": {"segment.country": {"eq": "AT"}, "confidence": {"lte": 0.5}}},
    ],
    "audit": {"rate": 0.05, "mode": "hold"},
    "model_versions": ["2026-11-01"],
    "reviews": 2,
    "answer_first": True,
    "answer_first_share": 0.1,
    "undo_seconds": 10,
    "deadline_hours": 2.5,
    "on_deadline": "reject",
    "on_overload": "hold",
    "guarantee": {"expires_days": 30, "on_expiry": "check_more", "due_days": 2.5},
    "costs": {
        "currency": "CHF", "review": 0.4, "error": 5.0, "matrix": {"billing": {"refund": 12.5}}, "value_factor": 0.25,
        "invented": 0.5, "by_label": {"urgent": {"missed": 50.5}}, "by_field": {"/total": 7},
    },
}  # fmt: skip


@pytest.mark.parametrize("spec", [FULL, {}, {"threshold": 0.8, "audit": {"per_day": 200}}])
def test_the_form_round_trips_every_policy(spec: dict[str, Any]) -> None:
    policy = parse_spec(spec)
    # Without the stored values: what is shown must be read as the same policy, be there audits or not.
    form = PolicyForm(post_untouched(PolicyForm(policy=policy)) | {"no_audits": "on"})
    assert form.is_valid(), form.errors
    assert dump_spec(versions.validate_spec(form.spec())) == dump_spec(policy)


RULE = {"rules-0-name": "large", "rules-0-conditions-0-operator": "gte", "rules-0-conditions-0-operand": "3"}
SUBJECT = "rules-0-conditions-0-subject"


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ({"thresholds-0-answer": "refund"}, "Row 1: Enter the threshold in percent."),
        (
            {"thresholds-7-answer": "refund", "thresholds-7-threshold": "900"},
            "Row 1: “900” is not between 0 and 100 %.",
        ),
        (
            {
                f"thresholds-{row}-{name}": value
                for row in "01"
                for name, value in (("answer", "a"), ("threshold", "9"))
            },
            "“a” is listed twice. Remove one of the rows.",
        ),
        ({"segments-0-threshold": "95"}, "Row 1: Enter the key of the segment."),
        (RULE | {SUBJECT: "amount"}, "Row 1: “amount” is not a field."),
        (RULE | {SUBJECT: "value", "rules-0-conditions-0-operand": "many"}, "Row 1: “many” is not a number."),
        (RULE | {SUBJECT: "prediction"}, "“prediction” is text. Use eq or in"),
        (RULE | {SUBJECT: "value", "rules-0-name": ""}, "Row 1: Give the rule a name."),
        ({"rules-0-name": "large"}, "Row 1: Enter a condition."),
        ({"matrix-0-predicted": "billing", "matrix-0-cost": "3"}, "Row 1: Enter the right answer."),
        ({"rate": ""}, "Enter a number."),
        ({"currency": "Euro"}, "3"),
        ({"thresholds-0-answer": "a\0", "thresholds-0-threshold": "9"}, "a character that cannot be stored"),
    ],
)
def test_an_invalid_row_is_refused_by_number(
    client: Client, queue: Queue, mara: User, rows: dict[str, str], error: str
) -> None:
    traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 0.1}})
    client.force_login(mara)
    page = "/streams/intents/policies/new/"
    answer = client.post(page, post_untouched(client.get(page).context["form"]) | rows)
    assert answer.status_code == 200
    assert error in answer.content.decode()
    for name, value in rows.items():
        assert f'name="{name.replace("-7-", "-0-")}"' in answer.content.decode(), "what was typed stays"
        assert value in answer.content.decode()
    assert Policy.objects.count() == 1
    # The panel beside the form says the same, and saves nothing.
    beside = client.post("/streams/intents/policies/preview/", post_untouched(answer.context["form"]) | rows)
    assert error in beside.content.decode()


@pytest.mark.parametrize(
    "label", ["refund", "a: b", "x->y", 'he said "hi"', "a and b", " lead", "1,2", "#1", "é", "<b>"]
)
def test_any_label_survives_its_rows(label: str) -> None:
    policy = parse_spec(
        {
            "thresholds": {label: 0.925},
            "segments": [{"when": {label: label, "k": "v"}, "threshold": 0.1}],
            "rules": [
                {"name": "one", "when": {"prediction": {"in": [label, "z"]}, f"segment.{label}": {"eq": label}}},
            ],
            "costs": {"matrix": {label: {label: 12.5}}},
        }
    )
    form = PolicyForm(post_untouched(PolicyForm(policy=policy)) | {"no_audits": "on"})
    assert form.is_valid(), form.errors
    assert dump_spec(versions.validate_spec(form.spec())) == dump_spec(policy)


def test_a_removed_row_and_an_emptied_row_are_gone() -> None:
    policy = parse_spec({"thresholds": {"a": 0.1, "b": 0.2, "c": 0.3}})
    posted_form = post_untouched(PolicyForm(policy=policy))
    posted_form |= {"thresholds-1-answer": "", "thresholds-1-threshold": ""}
    del posted_form["thresholds-0-answer"], posted_form["thresholds-0-threshold"]
    form = PolicyForm(posted_form, policy=policy)
    assert form.is_valid(), form.errors
    assert form.spec()["thresholds"] == {"c": 0.3}


def test_the_effect_of_a_change_is_shown_and_nothing_is_saved(client: Client, queue: Queue, mara: User) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.8})
    traffic.post_and_route(stream, "one", "two", confidence=0.75, now=timezone.now())
    traffic.post_and_route(stream, "three", confidence=0.95, now=timezone.now())
    client.force_login(mara)
    untouched = post_untouched(client.get("/streams/intents/policies/new/").context["form"])

    def preview(**change: str) -> str:
        return client.post("/streams/intents/policies/preview/", untouched | change).content.decode()

    assert "Nothing has changed yet." in preview()
    looser = preview(threshold="70")
    assert "<strong>2 outputs</strong> would change from review to automated." in " ".join(looser.split())
    assert "a second manager has to approve it" in looser
    assert "100 %" in looser.replace("\u00a0", " ")
    assert "/streams/intents/outputs/two/" in looser
    stricter = preview(threshold="99")
    assert "<strong>1 output</strong> would change from automated to review." in " ".join(stricter.split())
    assert "takes effect as soon as you save it" in stricter
    assert Policy.objects.count() == 1


def test_a_draft_is_saved_without_asking_anybody(client: Client, queue: Queue, mara: User) -> None:
    traffic.apply_stream(policy={"threshold": 0.8})
    client.force_login(mara)
    untouched = post_untouched(client.get("/streams/intents/policies/new/").context["form"])
    answer = client.post(
        "/streams/intents/policies/new/", untouched | {"threshold": "70", "save": "draft"}, follow=True
    )
    assert "Version 2 is saved as a draft." in answer.content.decode()
    assert "Request approval" in answer.content.decode()
    assert Activation.objects.count() == 1
    assert not Event.objects.filter(verb="policy.approval_requested").exists()


def test_tightening_takes_effect_immediately(client: Client, queue: Queue, mara: User) -> None:
    traffic.apply_stream(policy={"threshold": 0.8})
    client.force_login(mara)
    untouched = post_untouched(client.get("/streams/intents/policies/new/").context["form"])
    answer = client.post("/streams/intents/policies/new/", untouched | {"threshold": "90", "reason": "Complaints"})
    assert answer.headers["Location"] == "/streams/intents/policies/2/"
    activation = Activation.objects.latest("id")
    assert (activation.policy.number, activation.approved_by, activation.reason) == (2, "", "Complaints")


def test_loosening_is_a_draft_until_another_manager_approves(
    client: Client,
    queue: Queue,
    mara: User,
    max: User,  # noqa: A002
) -> None:
    traffic.apply_stream(policy={"threshold": 0.8})
    client.force_login(mara)
    untouched = post_untouched(client.get("/streams/intents/policies/new/").context["form"])
    answer = client.post("/streams/intents/policies/new/", untouched | {"threshold": "70"}, follow=True)
    html = answer.content.decode()
    assert "Version 2 is a draft" in html
    assert "another manager has to approve it" in html
    assert "Confidence of 70" not in html
    assert "a confidence of 80 % or more are automated" in html
    assert "a confidence of 70 % or more are automated" in html
    client.post("/streams/intents/policies/2/activation/")
    assert Activation.objects.count() == 1
    client.force_login(max)
    assert "Approve and activate" in client.get("/streams/intents/policies/2/").content.decode()
    client.post("/streams/intents/policies/2/activation/", {"reason": "Fine by me"})
    activation = Activation.objects.latest("id")
    assert (activation.activated_by, activation.approved_by) == ("user:mara", "user:max")


def test_going_back_to_a_looser_version_takes_two_people_again(
    client: Client,
    queue: Queue,
    mara: User,
    max: User,  # noqa: A002
) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.8})
    versions.propose_version(stream=stream, spec=parse_spec({**_spec_of(stream), "threshold": 0.9}), actor="user:mara")
    client.force_login(max)
    assert "Request approval" in client.get("/streams/intents/policies/1/").content.decode()
    refused = client.post("/streams/intents/policies/1/activation/", follow=True)
    assert "no open approval request for version 1" in refused.content.decode()
    client.post("/streams/intents/policies/1/approval-request/", {"reason": "Too strict"})
    refused = client.post("/streams/intents/policies/1/activation/", follow=True)
    assert "You cannot approve your own request." in refused.content.decode()
    assert Activation.objects.count() == 2
    client.force_login(mara)
    assert "Approve and activate" in client.get("/streams/intents/policies/1/").content.decode()
    client.post("/streams/intents/policies/1/activation/")
    activation = Activation.objects.latest("id")
    assert (activation.activated_by, activation.approved_by, activation.reason) == (
        "user:max",
        "user:mara",
        "Too strict",
    )


def test_a_stricter_version_is_activated_by_one_person(
    client: Client,
    queue: Queue,
    mara: User,
    max: User,  # noqa: A002
) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.8})
    versions.save_version(stream=stream, spec=parse_spec({**_spec_of(stream), "threshold": 0.9}), actor="user:mara")
    client.force_login(max)
    client.post("/streams/intents/policies/2/activation/")
    activation = Activation.objects.latest("id")
    assert (activation.activated_by, activation.approved_by) == ("user:max", "")


def test_a_first_policy_has_audits_unless_they_are_declined(client: Client, queue: Queue, mara: User) -> None:
    stream = stream_setup.create_stream(policy=None)
    client.force_login(mara)
    page = "/streams/intents/policies/new/"
    shown = client.get(page)
    assert "The first policy takes effect immediately." in shown.content.decode()
    suggested = post_untouched(shown.context["form"])
    assert (suggested["audits"], suggested["rate"], suggested["mode"]) == ("rate", "5", "after")
    # A number that was typed is never thrown away, whichever choice stands beside it.
    for change, error in {
        ("none", "7.5", ""): "You entered a number here but chose something else above.",
        ("per_day", "7.5", "20"): "You entered a number here but chose something else above.",
        ("rate", "", ""): "Enter a number.",
        ("none", "5", ""): "Without audits nobody reviews automated outputs",
        ("rate", "0", ""): "Without audits nobody reviews automated outputs",
    }.items():
        asked = client.post(page, suggested | dict(zip(("audits", "rate", "per_day"), change, strict=True)))
        assert error in asked.content.decode(), change
        assert not Policy.objects.exists()
        assert asked.context["form"]["rate"].value() == change[1]
    without = post_untouched(asked.context["form"]) | {"no_audits": "on"}
    assert client.post(page, without).status_code == 302
    assert _spec_of(stream)["audit"] == {"rate": 0.0, "per_day": None, "mode": "after"}
    # It was asked once: the next version of a policy without audits is not held up.
    later = post_untouched(client.get(page).context["form"])
    assert client.post(page, later | {"threshold": "95"}).status_code == 302
    assert _spec_of(stream)["threshold"] == 0.95


def test_a_typed_share_is_stored_to_the_last_digit(client: Client, queue: Queue, mara: User) -> None:
    stream = stream_setup.create_stream(policy=None)
    client.force_login(mara)
    suggested = post_untouched(client.get("/streams/intents/policies/new/").context["form"])
    client.post("/streams/intents/policies/new/", suggested | {"rate": "12.345678901234567", "threshold": "92.5"})
    assert (_spec_of(stream)["audit"]["rate"], _spec_of(stream)["threshold"]) == (0.12345678901234567, 0.925)


def test_an_approver_sees_reason_and_impact_and_can_decline(
    client: Client,
    queue: Queue,
    mara: User,
    max: User,  # noqa: A002
    otto: User,
) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.8})
    traffic.post_and_route(stream, "one", "two", confidence=0.75, now=timezone.now())
    versions.propose_version(
        stream=stream, spec=parse_spec({**_spec_of(stream), "threshold": 0.7}), actor="user:mara", reason="Fewer <b>"
    )
    page = "/streams/intents/policies/2/"
    client.force_login(max)
    html = client.get(page).content.decode()
    shown = html.partition("Approve and activate")[0]
    assert "mara requested approval" in shown
    assert "Fewer &lt;b&gt;" in shown
    assert "<strong>2</strong>" in shown.partition("Newly automated")[2][:200]
    client.post(f"{page}decline/", {"reason": "Too early"})
    assert client.post(f"{page}decline/").status_code == 302, "there is nothing to decline any more"
    assert Event.objects.get(verb="policy.declined").after == {
        "number": 2, "reason": "Too early", "asked_by": "user:mara"
    }  # fmt: skip
    client.post(f"{page}activation/")
    assert Activation.objects.count() == 1
    client.force_login(mara)
    for told in (page, "/streams/intents/"):
        assert "Too early" in client.get(told).content.decode()
    # It can be asked for again, withdrawn, and asked for once more.
    client.post(f"{page}approval-request/", {"reason": "Please"})
    assert "Withdraw request" in client.get(page).content.decode()
    client.post(f"{page}decline/")
    assert Event.objects.filter(verb="policy.withdrawn").count() == 1
    client.post(f"{page}approval-request/", {"reason": "Really"})
    client.force_login(otto)
    assert client.post(f"{page}decline/").status_code == 403
    client.force_login(max)
    client.post(f"{page}activation/")
    assert Activation.objects.latest("id").reason == "Really"


def test_a_policy_that_cannot_apply_is_refused_at_its_field(client: Client, queue: Queue, mara: User) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.8})
    client.force_login(mara)
    page = "/streams/intents/policies/new/"
    posted_form = post_untouched(client.get(page).context["form"])
    rule = {"name": "r", "conditions-0-subject": "prediction", "conditions-0-operator": "in"}
    for field, row in {
        "thresholds": {"answer": "Refund", "threshold": "99"},
        "rules": rule | {"conditions-0-operand": "refnd"},
        "matrix": {"predicted": "refund", "true": "billin", "cost": "3"},
    }.items():
        rows = {f"{field}-0-{name}": text for name, text in row.items()}
        form = client.post(page, posted_form | rows).context["form"]
        assert "is not an answer of this stream. Did you mean" in str(form.errors[field])
    # A policy stored by an earlier release goes on working, and its page says what never applies.
    versions.save_version(stream=stream, spec=parse_spec({"thresholds": {"Refund": 0.99}}), actor="user:mara")
    assert "“Refund” is not an answer of this stream." in client.get("/streams/intents/policies/2/").content.decode()


def test_a_lead_reads_policies_without_buttons(client: Client, queue: Queue, ann: User) -> None:
    traffic.apply_stream()
    client.force_login(ann)
    html = client.get("/streams/intents/policies/1/").content.decode().partition("<main")[2]
    assert "Outputs with a confidence of 80 % or more are automated." in html
    assert "<form" not in html
    assert client.post("/streams/intents/policies/1/activation/").status_code == 403


def test_differences_are_described() -> None:
    before = parse_spec({"threshold": 0.8, "rules": [{"name": "big", "when": {"value": {"gt": 5}}}]})
    after = parse_spec({"threshold": 0.7, "costs": {"error": 2.0}})
    changes = [(change.label, change.before, change.after) for change in describe.describe_changes(before, after)]
    assert changes == [
        (
            "Threshold",
            "Outputs with a confidence of 80 % or more are automated.",
            "Outputs with a confidence of 70 % or more are automated.",
        ),
        ("Rule “big”", "Outputs with value > 5 go to review.", ""),
        ("Cost of an error", "EUR 1.00", "EUR 2.00"),
    ]


def test_the_smallest_difference_of_a_number_is_described() -> None:
    # FULL with every number in it moved to its neighbour, one at a time.
    def neighbours(part: Any) -> Iterator[Any]:
        if isinstance(part, float):
            yield math.nextafter(part, 0)
        steps = (
            list(part.items()) if isinstance(part, dict) else list(enumerate(part)) if isinstance(part, list) else []
        )
        for step, inner in steps:
            for changed in neighbours(inner):
                copy = part.copy()
                copy[step] = changed
                yield copy

    full = parse_spec({**FULL, "audit": {"rate": 0.05}, "answer_first": False})
    changed = list(neighbours(dump_spec(full)))
    assert len(changed) > 12
    for spec in changed:
        assert len(describe.describe_changes(full, parse_spec(spec))) == 1, spec
    rule = parse_spec({"rules": [{"name": "big", "when": {"value": {"gt": 1234567.89}}}]})
    assert "value > 1234567.89" in describe.describe_policy(rule)[1].text


def test_every_difference_between_two_policies_is_described() -> None:
    full = parse_spec(FULL)
    for field, value in dump_spec(full).items():
        one = parse_spec({field: value})
        if dump_spec(one) != dump_spec(parse_spec({})) and field != "answer_first_share":
            assert describe.describe_changes(parse_spec({}), one), field


def _spec_of(stream: Any) -> dict[str, Any]:
    current = versions.find_active_policy(stream)
    assert current is not None
    return dump_spec(current.spec)


def test_the_editor_asks_only_for_costs_that_the_answers_can_have(client: Client, queue: Queue, mara: User) -> None:
    client.force_login(mara)
    costs = {"error": 3, "by_label": {"a": {"missed": 50}}}
    traffic.apply_stream(answers=["a", "b"], multiple=True, error_unit="label", costs=costs)
    page = client.get("/streams/intents/policies/new/")
    shown = page.content.decode()
    assert 'name="by_label-0-missed"' in shown
    assert 'name="missed"' in shown
    assert 'name="matrix-0-cost"' not in shown
    assert 'name="by_field-0-cost"' not in shown
    posted = post_untouched(page.context["form"]) | {"by_label-0-invented": "2"}
    assert client.post("/streams/intents/policies/new/", posted).status_code == 302
    assert Policy.objects.latest("pk").spec["costs"]["by_label"] == {"a": {"missed": 50.0, "invented": 2.0}}
