"""The policy editor in a real browser: rows, the slider, and the effect that follows what is typed."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from escalation.models import Policy
from escalation.policies import versions
from reviewqueue.models import Queue, User
from tests.browser.test_accessibility import complaints
from tests.helpers import traffic
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EDITOR = "/streams/intents/policies/new/"


def test_a_version_is_written_by_keyboard_in_rows(sign_in: SignInFixture, queue: Queue, mara: User) -> None:
    traffic.apply_stream(policy={"threshold": 0.8, "thresholds": {"refund": 0.9}, "audit": {"rate": 0.1}})
    page = sign_in(mara, EDITOR)
    page.get_by_role("button", name="+ Add an answer").press("Enter")
    page.keyboard.type("billing")
    page.keyboard.press("Tab")
    page.keyboard.type("95.5")
    page.get_by_role("button", name="+ Add a rule").press("Enter")
    for text in ("large", "value"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("1000")
    page.get_by_role("group", name="Rules").get_by_role("button", name="+ And").press("Enter")
    page.keyboard.type("segment.country")
    page.keyboard.press("Tab")
    page.keyboard.press("=")
    page.keyboard.press("Tab")
    page.keyboard.type("AT")
    assert complaints(page) == []
    removed = page.get_by_role("group", name="Answers or fields").get_by_role("button", name="Remove row").first
    removed.press("Enter")
    expect(page.get_by_label("Answer", exact=True)).to_be_focused()
    page.get_by_role("button", name="Save as new version").press("Enter")
    expect(page.get_by_text("Version 2 is a draft")).to_be_visible()
    spec = versions.spec_of(Policy.objects.get(number=2))
    assert spec.thresholds == {"billing": 0.955}
    assert [(rule.name, rule.when) for rule in spec.rules] == [
        ("large", {"value": {"gte": 1000.0}, "segment.country": {"eq": "AT"}})
    ]


def test_the_effect_follows_the_slider(sign_in: SignInFixture, queue: Queue, mara: User) -> None:
    stream = traffic.apply_stream(policy={"threshold": 0.8, "audit": {"rate": 0.1}})
    traffic.post_and_route(stream, "one", "two", confidence=0.75, now=timezone.now())
    page = sign_in(mara, EDITOR)
    effect = page.get_by_role("region", name="Effect of this version").first
    expect(effect).to_contain_text("Nothing has changed yet.")
    slider = page.get_by_role("slider", name="Threshold")
    slider.press("Home")
    expect(page.get_by_label("Threshold (%)")).to_have_value("0")
    expect(effect).to_contain_text("2 outputs would change from review to automated.")
    page.get_by_label("Threshold (%)").fill("75.5")
    expect(effect).to_contain_text("No output would be routed differently.")
    expect(slider).to_have_attribute("aria-valuetext", "75.5 %")
    page.get_by_label("Threshold (%)").fill("750")
    expect(effect).to_contain_text("“750” is not between 0 and 100 %.")
