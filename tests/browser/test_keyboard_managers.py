"""A manager's pages by keyboard alone: from what needs attention to the act, and from signing in to a new policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from escalation.models import Policy, Stop, Stream
from escalation.policies import versions
from escalation.policies.spec import PolicySpec
from reviewqueue.models import Membership, Queue, User
from tests.escalation.views.test_attention import apply_stream_with_alarm
from tests.helpers import traffic
from tests.helpers.keyboard_walk import tab_to
from tests.helpers.sign_in import SignInFixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def _skip_to_content(page: Page) -> None:
    """The first Tab stop of a page leads past the navigation."""
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_a_banner_leads_to_a_stop_in_three_presses(sign_in: SignInFixture, queue: Queue, mara: User) -> None:
    apply_stream_with_alarm()
    page = sign_in(mara, "/overview/")
    _skip_to_content(page)
    before = tab_to(page, page.get_by_role("button", name="Stop automation"))
    assert not any("/report/" in stop for stop in before), "the banner comes before the table"
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Stop Support intents?")).to_be_visible()
    expect(page.get_by_text("The guarantee has ended.")).to_be_visible()
    _skip_to_content(page)
    assert tab_to(page, page.get_by_role("button", name="Stop Support intents")) == []
    page.keyboard.press("Enter")
    expect(page.get_by_text("This stream is stopped.")).to_be_visible()
    assert Stop.objects.active().get().reason == "The guarantee has ended."


@pytest.mark.usefixtures("rob")
def test_what_waits_is_counted_in_the_bar_and_approved(
    sign_in: SignInFixture,
    stream: Stream,
    mara: User,
    max: User,  # noqa: A002
) -> None:
    traffic.post_and_route(stream, "one", confidence=0.1)
    versions.propose_version(stream=stream, spec=PolicySpec(threshold=0.2), actor="user:mara", reason="fewer reviews")
    page = sign_in(max, "/streams/")
    tab_to(page, page.get_by_role("link", name="Overview 1 waiting for you"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Waiting for you")).to_contain_text("fewer reviews")
    _skip_to_content(page)
    tab_to(page, page.get_by_role("link", name="See the version"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Policy version 2")).to_be_visible()
    _skip_to_content(page)
    tab_to(page, page.get_by_role("textbox", name="Reason"))
    page.keyboard.type("read the replay")
    assert tab_to(page, page.get_by_role("button", name="Approve and activate")) == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Version 2 is in effect")
    expect(page.get_by_role("link", name="Overview", exact=True)).to_be_visible()


def test_a_manager_can_sign_in_read_a_report_and_change_a_policy(sign_in: SignInFixture) -> None:
    stream = traffic.apply_stream()
    traffic.post_and_route(stream, "ticket-1", confidence=0.95)
    mara = User.objects.create_user(username="mara", password="mara-password", role="manager")
    Membership.objects.create(user=mara, queue=Queue.objects.get(slug="intents"))
    page = sign_in(None, "/sign-in/")
    name = page.get_by_role("textbox", name="Username")
    if not name.evaluate("element => element === document.activeElement"):
        tab_to(page, name)
    page.keyboard.type("mara")
    page.keyboard.press("Tab")
    page.keyboard.type("mara-password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview", level=1)).to_be_visible()
    for place, lands in (
        ("Support intents", "/streams/intents/report/"),
        ("Policies", "/streams/intents/policies/"),
        ("New version", "/streams/intents/policies/new/"),
    ):
        tab_to(page, page.get_by_role("link", name=place, exact=True).last)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{lands}")
    threshold = page.locator("#id_threshold")
    tab_to(page, threshold)
    threshold.press("ControlOrMeta+a")
    page.keyboard.type("90")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("in effect")
    assert Policy.objects.latest("number").spec["threshold"] == 0.9
