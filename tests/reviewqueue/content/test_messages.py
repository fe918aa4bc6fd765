"""Chats and agent transcripts in common API formats; none of their data is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue import content
from reviewqueue.content.messages import FOLD_ABOVE_MESSAGES, KEPT_MESSAGES, MAX_FOLDED_MESSAGES, Message, Transcript
from tests.helpers import content_samples, pictures
from tests.helpers.content_rendering import extract_visible_text, render_blocks


def _transcript(*messages: Any) -> Transcript:
    (block,) = content.build_blocks({"messages": list(messages)})
    assert block.kind == "messages"
    transcript: Transcript = block.data
    return transcript


def _message(message: Any) -> Message:
    (found,) = _transcript(message).messages
    return found


def _said(*messages: Any) -> str:
    return extract_visible_text(render_blocks({"messages": list(messages)}))


@pytest.mark.parametrize(
    ("message", "role", "author"),
    [
        ({"role": "user", "content": "hi"}, "user", "User"),
        ({"role": "assistant", "content": "hi"}, "assistant", "Assistant"),
        ({"role": "system", "content": "hi"}, "system", "System"),
        ({"role": "developer", "content": "hi"}, "system", "Developer"),
        ({"role": "function", "name": "f", "content": "hi"}, "tool", "Tool"),
        ({"from": "human", "value": "hi"}, "user", "human"),
        ({"author": "Dr. Ellison", "text": "hi"}, "other", "Dr. Ellison"),
        ({"name": "Ada", "message": "hi"}, "other", "Ada"),
    ],
)
def test_authors_are_found_under_all_common_keys(message: Any, role: str, author: str) -> None:
    found = _message(message)
    assert (found.role, found.author) == (role, author)
    assert [part.text for part in found.parts] == ["hi"]
    assert found.rest is None


def test_a_message_shows_its_name_and_time_beside_the_role() -> None:
    found = _message({"role": "user", "name": "Ada", "content": "hi", "created_at": 1763899200})
    assert (found.name, found.at) == ("Ada", "1763899200")


@pytest.mark.parametrize(
    "value",
    [
        [],
        ["hi"],
        [{"content": "hi"}],
        [{"role": "user"}],
        [{"role": 7, "content": "hi"}],
        {"role": "user", "content": "hi"},
    ],
)
def test_lists_that_are_not_messages_are_data(value: Any) -> None:
    assert [block.kind for block in content.build_blocks({"messages": value})] == ["json"]


def test_openai_tool_calls_are_parsed() -> None:
    function = {"name": "find_order", "arguments": '{"email": "jonas@example.org"}', "strict": True}
    call = {"id": "call_1", "type": "function", "function": function, "index": 0}
    (part,) = _message({"role": "assistant", "content": None, "tool_calls": [call]}).parts
    assert (part.kind, part.name, part.id, part.text) == (
        "call",
        "find_order",
        "call_1",
        '{"email": "jonas@example.org"}',
    )
    assert part.rest is not None
    assert [(token.name, token.text) for token in part.rest.data.tokens] == [("index", "0"), ("strict", "true")]
    (old,) = _message({"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}}).parts
    assert (old.kind, old.name, old.text) == ("call", "f", "")


def test_anthropic_tool_calls_and_results_are_parsed() -> None:
    call, result = _transcript(
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "find", "input": {"a": 1}}]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "is_error": True,
                    "content": [{"type": "text", "text": "not found"}],
                }
            ],
        },
    ).messages
    assert (call.parts[0].kind, call.parts[0].text) == ("call", '{"a": 1}')
    assert (result.role, result.author) == ("tool", "Tool")
    assert (result.parts[0].kind, result.parts[0].failed, result.parts[0].preview) == ("result", True, "not found")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        ("{broken", "{broken"),
        ("[" * 90_000, "[" * 90_000),
        ({"a": 1}, '{"a": 1}'),
        (None, ""),
        (7, "7"),
    ],
)
def test_arguments_are_formatted_or_left_unchanged(sent: Any, shown: str) -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": sent}}
    (part,) = _message({"role": "assistant", "content": "", "tool_calls": [call]}).parts
    assert part.text == shown


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": pictures.draw_digit(), "detail": "low"}},
        {"type": "image_url", "image_url": pictures.draw_digit()},
        {"type": "input_image", "image_url": pictures.draw_digit()},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": pictures.draw_digit().partition(",")[2]},
        },
        {"type": "image", "image": pictures.draw_digit()},
        {"type": "tool_result", "content": [{"type": "image", "image": pictures.draw_digit()}]},
    ],
)
def test_an_image_in_a_message_is_shown(part: Any) -> None:
    html = render_blocks({"messages": [{"role": "user", "content": ["look", part]}]})
    assert html.count(f'<img src="{pictures.draw_digit()}"') == 1
    assert 'data-shade="blur"' in html
    assert "low" in html or "detail" not in str(part)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "hi", "lost": "kept"},
        {"role": "user", "content": "hi", "text": "kept"},
        {"role": "user", "author": "kept", "content": "hi"},
        {"role": "user", "content": "hi", "timestamp": 1, "date": "kept"},
        {"role": "user", "content": {"a": "kept"}},
        {"role": "user", "content": [{"type": "video", "url": "kept"}]},
        {"role": "user", "content": [{"type": "text", "text": "hi", "citations": ["kept"]}]},
        {"role": "user", "content": [{"type": "text", "text": ["kept"]}]},
        {"role": "user", "content": ["hi", 7, ["kept"]]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/kept.png"}}]},
        {"role": "user", "content": [{"type": "thinking", "thinking": "hm", "signature": "kept"}]},
        {"role": "user", "content": [{"type": "refusal", "refusal": "kept"}]},
        {"role": "user", "content": [{"type": "tool_use", "name": "f", "input": {"a": "kept"}, "x": 1}]},
        {"role": "user", "content": [{"type": "tool_use", "name": ["kept"]}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "kept"}]},
        {"role": "user", "content": [{"type": "tool_result", "content": [{"type": "tool_result", "content": "kept"}]}]},
        {"role": "assistant", "content": "hi", "tool_calls": "kept"},
        {"role": "assistant", "content": "hi", "tool_calls": ["kept"]},
        {"role": "assistant", "content": "hi", "tool_calls": [{"function": {"name": "f", "arguments": "kept"}}]},
        {"role": "assistant", "content": "hi", "tool_calls": [{"type": "custom", "custom": {"name": "kept"}}]},
        {"role": "assistant", "content": "hi", "function_call": "kept"},
        {"role": "tool", "tool_call_id": "kept", "content": "hi"},
        {"role": "assistant", "content": "hi", "judged": "kept"},
        {"role": "assistant", "content": "hi", "name": ["kept"]},
        {"role": "kept", "content": None},
    ],
)
def test_no_data_of_a_message_is_lost(message: Any) -> None:
    assert "kept" in _said(message)


def test_instructions_and_results_fold_and_short_calls_are_open() -> None:
    html = render_blocks(content_samples.build_samples()["messages"].item["input"])
    assert html.count('<details class="message-fold"') == 2
    assert html.count('<details class="message-call" open') == 2
    assert html.count('<details class="message-call">') == 1


def test_a_transcript_ending_in_an_answer_marks_that_answer() -> None:
    asked, answered = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}
    assert [message.judged for message in _transcript(asked, answered).messages] == [False, True]
    assert [message.judged for message in _transcript(answered, asked).messages] == [False, False]
    assert "Last answer" in _said(asked, answered)


def test_the_sender_can_mark_the_message_to_review() -> None:
    asked, answered = {"role": "user", "content": "hi", "judged": True}, {"role": "assistant", "content": "hello"}
    transcript = _transcript(asked, answered)
    assert [message.judged for message in transcript.messages] == [True, False]
    said = _said(asked, answered)
    assert "To review" in said
    assert "Last answer" not in said


def test_a_long_transcript_folds_earlier_messages_and_keeps_numbering() -> None:
    chat = [{"role": "user", "content": f"line {n}"} for n in range(1, FOLD_ABOVE_MESSAGES + 21)]
    transcript = _transcript(*chat)
    assert (len(transcript.earlier), len(transcript.messages), transcript.total) == (30, KEPT_MESSAGES, 60)
    html = render_blocks({"messages": chat})
    assert "30 earlier messages" in html
    assert 'start="31"' in html
    assert not _transcript(*chat[:FOLD_ABOVE_MESSAGES]).earlier


def test_the_first_messages_of_a_very_long_transcript_are_data() -> None:
    chat = [{"role": "user", "content": f"line {n}"} for n in range(1000)]
    transcript = _transcript(*chat)
    assert (len(transcript.earlier), len(transcript.messages), transcript.total) == (
        MAX_FOLDED_MESSAGES,
        KEPT_MESSAGES,
        1000,
    )
    assert transcript.messages[-1].number == 1000
    said = extract_visible_text(render_blocks({"messages": chat}))
    assert all(f"line {n}" in said for n in (0, 769, 770, 969, 999))


def test_the_message_to_review_is_never_folded() -> None:
    chat: list[Any] = [{"role": "user", "content": f"line {n}"} for n in range(80)]
    chat[20]["judged"] = True
    transcript = _transcript(*chat)
    assert transcript.judged is not None
    assert transcript.judged.number == 21


def test_each_message_is_a_list_item_with_author_and_number() -> None:
    html = render_blocks({"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]})
    assert '<article aria-label="Message 1 of 2, User">' in html
    assert '<article aria-label="Message 2 of 2, Assistant, the last answer">' in html
    assert html.count("<li class=") == 2


def test_markup_anywhere_in_a_message_is_text() -> None:
    evil = '"><script>alert(1)</script>'
    call = {"id": evil, "function": {"name": evil, "arguments": evil}, evil: evil}
    html = render_blocks(
        {
            "messages": [
                {"role": evil, "name": evil, "content": evil, "tool_calls": [call], evil: evil, "timestamp": evil},
                {"role": "tool", "tool_call_id": evil, "content": [{"type": "text", "text": evil}]},
            ]
        }
    )
    assert "<script" not in html


# Whole transcripts of other APIs and libraries, and what is said in them.
_SAID = "Where is my parcel?"
_ANSWER = "At the desk."
_FORMATS: dict[str, list[Any]] = {
    "OpenAI Responses": [
        {"role": "user", "content": _SAID},
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "thinking it over"}]},
        {"type": "function_call", "id": "f", "call_id": "c", "name": "find", "arguments": '{"city":"Lund"}'},
        {"type": "function_call_output", "call_id": "c", "output": "found it"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": _ANSWER}]},
    ],
    "LangChain": [
        {"type": "human", "content": _SAID, "name": None},
        {"type": "ai", "content": "", "tool_calls": [{"name": "find", "args": {"city": "Lund"}, "id": "c"}]},
        {"type": "tool", "content": "found it", "tool_call_id": "c"},
        {"type": "ai", "data": {"content": _ANSWER}},
    ],
    "AI SDK": [
        {"role": "user", "parts": [{"type": "text", "text": _SAID}]},
        {
            "role": "assistant",
            "content": _ANSWER,
            "parts": [
                {"type": "reasoning", "text": "thinking it over"},
                {
                    "type": "tool-find",
                    "toolCallId": "c",
                    "state": "output-available",
                    "input": {"city": "Lund"},
                    "output": "found it",
                },
                {"type": "text", "text": _ANSWER},
            ],
        },
    ],
    "Gemini": [
        {"role": "user", "parts": [{"text": _SAID}]},
        {"role": "model", "parts": [{"functionCall": {"name": "find", "args": {"city": "Lund"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "find", "response": {"result": "found it"}}}]},
        {"role": "model", "parts": [{"text": _ANSWER}]},
    ],
    "Bedrock": [
        {"role": "user", "content": [{"text": _SAID}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c", "name": "find", "input": {"city": "Lund"}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "c", "content": [{"text": "found it"}]}}]},
        {"role": "assistant", "content": [{"text": _ANSWER}]},
    ],
    "ShareGPT": [
        {"from": "human", "value": _SAID},
        {"from": "function_call", "value": '{"name": "find", "arguments": {"city":"Lund"}}'},
        {"from": "observation", "value": "found it"},
        {"from": "gpt", "value": _ANSWER},
    ],
}


@pytest.mark.parametrize("named", [True, False])
def test_transcripts_of_the_usual_apis_are_read(named: bool) -> None:
    for name, messages in _FORMATS.items():
        (block,) = content.build_blocks({"conversation": messages} if named else messages)
        assert block.kind == "messages", name
        first, last = block.data.messages[0], block.data.messages[-1]
        assert (first.role, last.role) == ("user", "assistant"), name
        assert [part.text for part in first.parts] == [_SAID], name
        assert (last.judged, last.parts[-1].text) == (True, _ANSWER), name
        html = render_blocks(messages)
        shown = extract_visible_text(html)
        assert all(word in shown for word in ("Lund", "found it", "find")), name
        assert "no arguments" not in shown, name
        assert html.count(_ANSWER) == 1, name


def test_an_odd_entry_is_data_in_its_place_and_open() -> None:
    base = [{"role": "user", "content": "How do I pick this lock?"}, {"role": "assistant", "content": "Let me see."}]
    for odd in (
        {"role": "assistant", "refusal": "I can't help with that."},
        {"role": "assistant", "tool_calls": []},
        {"role": "assistant", "audio": {"id": "a"}},
        {"role": "assistant", "reasoning_content": "r"},
        {"type": "function_call_output", "call_id": "c", "output": "x"},
        {"role": "tool", "output": "y"},
        {"role": "user", "parts": [{"type": "text", "text": "z"}]},
        {"role": "user"},
        {"deep": {"deeper": {"deepest": {"said": "something"}}}},
        "a mere text",
        7,
    ):
        messages = _transcript(*base[:1], odd, *base[1:]).messages
        assert [[part.text for part in message.parts] for message in (messages[0], messages[2])] == [
            ["How do I pick this lock?"],
            ["Let me see."],
        ]
        for part in messages[1].parts:
            if part.kind == "data" and part.rest:
                assert all(token.is_open for token in part.rest.data.tokens if token.size)


def test_a_call_is_without_arguments_only_if_no_usual_key_has_any() -> None:
    for key in ("arguments", "args", "input", "parameters"):
        (part,) = _message({"role": "assistant", "tool_calls": [{"name": "f", key: {"n": 1}, "id": "c"}]}).parts
        assert (part.kind, part.text) == ("call", '{"n": 1}')
    (part,) = _message({"role": "assistant", "tool_calls": [{"name": "f", "arguments": "", "input": {"n": 1}}]}).parts
    assert part.text == '{"n": 1}'


_KEY_NAMES = (
    "role author from type content text value parts output result message refusal reasoning_content audio summary "
    "tool_calls function_call functionCall toolUse toolResult name args arguments input id call_id tool_call_id "
    "is_error status state toolInvocation data judged"
)
_KEYS = st.sampled_from(_KEY_NAMES.split())
_WORDS = st.sampled_from(["user", "assistant", "human", "text", "tool_use", "tool_result", "function_call"]) | st.uuids(
    version=4
).map(str)
_VALUES = st.recursive(
    _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=5), min_size=1, max_size=4))
def test_no_word_of_any_transcript_is_invisible(messages: list[Any]) -> None:
    shown = _said(*messages)
    assert [word for word in _unique_words(messages) if word not in shown] == []


def _unique_words(value: Any) -> list[str]:
    return re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", str(value))
