"""How the desk puts things, and that nothing in it does anything."""

from __future__ import annotations

import pytest

from reviewqueue.guidelines import markdown
from reviewqueue.verdicts import wording
from tests.helpers import pseudo_language


def test_guidelines_render_without_raw_markup_images_or_external_links() -> None:
    html = markdown.render_guidelines(
        '**bold** <b onclick=x>raw</b> [there](https://example.com/?a="b) ![p](https://example.com/p.png) <https://x.test>'
    )
    assert "<strong>bold</strong>" in html
    assert "&lt;b onclick=x&gt;" in html
    assert "<a" not in html
    assert "<img" not in html
    assert 'class="inert-link" title="https://example.com/' in html


def test_the_reason_is_a_sentence_and_nothing_in_it_is_evaluated() -> None:
    why = {
        "message": "%(confidence)s sure, below %(threshold)s: %(rule)s",
        "params": {"confidence": 0.625, "threshold": 0.8},
    }
    assert wording.explain_review(why) == "62\u00a0% sure, below 80\u00a0%: —"
    assert wording.explain_review({"message": "{0.__class__} %(a", "params": None}) == "{0.__class__} %(a"
    assert wording.explain_review(None) == wording.explain_review({}) == ""


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.62, "62\u00a0%"),
        (0.999, "99.9\u00a0%"),
        (0.9999, "99.99\u00a0%"),
        (0.99996, "99.996\u00a0%"),
        (1, "100\u00a0%"),
        (0, "0\u00a0%"),
        (None, "unknown"),
    ],
)
def test_a_share_is_never_rounded_up_to_certainty(share: float | None, said: str) -> None:
    assert wording.format_share(share) == said


@pytest.mark.parametrize(
    ("name", "said"), [("card_arrival", "Card arrival"), ("refund", "Refund"), ("iOS", "iOS"), ("_x", "_x"), ("7", "7")]
)
def test_an_answer_is_shown_in_words(name: str, said: str) -> None:
    assert wording.format_answer(name) == said


@pytest.mark.parametrize(("seconds", "unit"), [(45, "s"), (720, "min"), (7_200, "h"), (200_000, "d")])
def test_a_duration_has_its_unit_in_the_readers_language(
    monkeypatch: pytest.MonkeyPatch, seconds: int, unit: str
) -> None:
    pseudo_language.mark_translations(monkeypatch)
    assert wording.format_duration(seconds).endswith(
        f"\u00a0{pseudo_language.OPEN_MARK}{unit}{pseudo_language.CLOSE_MARK}"
    )
