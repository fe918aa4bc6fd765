"""Parses posted outputs: the typed output, its canonical form, and the problem if it is invalid."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from reviewqueue.answers import schema
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel import json_pointer, strict_json
from reviewqueue.kernel.errors import Invalid, Problem

MAX_OUTPUTS_PER_REQUEST = 1000
MAX_EXTERNAL_ID_LENGTH = 200

# \Z, because $ also matches before a trailing line break.
type ShortText = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
type Probability = Annotated[float, Meta(ge=0, le=1)]
type Timestamp = Annotated[datetime, Meta(tz=True)]

MIN_YEAR, MAX_YEAR = 1900, 9998  # dates that can be shown in every time zone

# The optional fields of the payload, in its order.
_SENT_FIELDS = ("scores", "context", "metadata", "language")
_TEXT_RULE = "must be a string of 1 to 200 characters without control characters"
_TIME_RULE = f"must be an RFC 3339 date and time with a UTC offset, in the years {MIN_YEAR} to {MAX_YEAR}"
# Pointer -> what a field must be; clearer to producers than the parser's own message.
_FIELD_RULES = {
    "/id": f"`id` {_TEXT_RULE}",
    "/model": f"`model` {_TEXT_RULE}",
    "/model_version": f"`model_version` {_TEXT_RULE}, or null",
    "/group": f"`group` {_TEXT_RULE}, or null",
    "/confidence": "`confidence` must be a number from 0 to 1 or null",
    "/value": "`value` must be a number from -1e15 to 1e15 or null",
    "/language": "`language` must be a language tag such as `en` or `pt-BR`, or null",
    "/due_at": f"`due_at` {_TIME_RULE}, or null",
    "/occurred_at": f"`occurred_at` {_TIME_RULE}, or null",
    "/shadow": "`shadow` must be true or false",
}


class PostedOutput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One posted output.

    `confidence` may be null, which sends the output to review. It may be absent if `scores` has a confidence per field;
    the lowest of those then counts.
    """

    id: ShortText
    model: ShortText
    prediction: str | list[str] | dict[str, Any]
    confidence: Probability | UnsetType | None = UNSET
    input: Any
    model_version: ShortText | None = None
    scores: dict[str, Probability] | None = None
    segment: Annotated[dict[str, ShortText], Meta(max_length=20)] | None = None
    context: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    group: ShortText | None = None
    language: Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z", max_length=35)] | None = None
    value: Annotated[float, Meta(ge=-1e15, le=1e15)] | None = None
    due_at: Timestamp | None = None
    occurred_at: Timestamp | None = None
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class DecodedOutput:
    """An output ready to be stored. `body` is the JSON text of its payload; `digest` identifies its content."""

    posted: PostedOutput
    confidence: float | None
    predicted: str
    digest: bytes
    body: bytes


class TooManyOutputs(Invalid):
    code = "too_many_elements"
    status = 413


def split_body(body: bytes, *, lines: bool) -> tuple[list[bytes], bool]:
    """The raw outputs in a request's body, and whether it is a list (an array or lines) rather than one object.

    Raises Invalid for an empty list or malformed JSON, and TooManyOutputs.
    """
    if lines:
        return _check_count([line for line in body.splitlines() if line.strip()]), True
    if body.lstrip()[:1] != b"[":
        return [body], False
    try:
        outputs = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"The body must be a valid JSON array: {error}") from error
    return _check_count([bytes(output) for output in outputs]), True


def decode_output(raw: bytes, *, form: AnswerSpec, secret: bytes) -> DecodedOutput:
    """Parse and validate one output. Raises Invalid with a pointer to the field.

    `secret` is the key of the digest, which is computed over the output's canonical form.
    """
    try:
        posted = msgspec.convert(strict_json.parse_json(raw), PostedOutput)
    except msgspec.ValidationError as error:
        raise _invalid_output(str(error)) from error
    posted = _convert_to_utc(posted)
    prediction = _normalise_prediction(posted.prediction, form)
    return DecodedOutput(
        posted=posted,
        confidence=_effective_confidence(posted),
        predicted=prediction if isinstance(prediction, str) else "",
        digest=hmac.digest(secret, msgspec.json.encode(posted, order="sorted"), hashlib.sha256),
        body=_encode_payload(raw, posted, prediction),
    )


def peek_external_id(raw: bytes) -> str | None:
    """The id of a rejected output if it can be read, so that the producer knows which one was rejected."""
    try:
        value = strict_json.parse_json(raw)
    except Problem:
        return None
    name = value.get("id") if isinstance(value, dict) else None
    return name[:MAX_EXTERNAL_ID_LENGTH] if isinstance(name, str) else None


def encode_json(value: object | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _check_count(outputs: list[bytes]) -> list[bytes]:
    if not outputs:
        raise Invalid("The body contains no outputs. Send at least one.")
    if len(outputs) > MAX_OUTPUTS_PER_REQUEST:
        raise TooManyOutputs(
            f"A request may contain at most {MAX_OUTPUTS_PER_REQUEST} outputs; this one has {len(outputs)}. "
            "Split it into several requests."
        )
    return outputs


def _convert_to_utc(posted: PostedOutput) -> PostedOutput:
    """With all times in UTC, so that the same instant written in another time zone is the same content."""
    moments = {name: moment for name in ("due_at", "occurred_at") if (moment := getattr(posted, name)) is not None}
    for name, moment in moments.items():
        if not MIN_YEAR <= moment.year <= MAX_YEAR:
            raise _invalid_output(f"Year out of range - at `$.{name}`")
    changed = {name: moment.astimezone(UTC) for name, moment in moments.items() if moment.tzinfo is not UTC}
    return msgspec.structs.replace(posted, **changed) if changed else posted


def _effective_confidence(posted: PostedOutput) -> float | None:
    if not isinstance(posted.confidence, UnsetType):
        return posted.confidence
    if not posted.scores:
        raise _invalid_output("Object missing required field `confidence`")
    return min(posted.scores.values())


def _normalise_prediction(
    prediction: str | list[str] | dict[str, Any], form: AnswerSpec
) -> str | list[str] | dict[str, Any]:
    """The prediction as one of the stream's answers. Objects are accepted as they are: a reviewer can correct them."""
    if form.kind == schema.STRUCTURED and isinstance(prediction, dict):
        return prediction
    normalised: str | list[str] | dict[str, Any] = schema.normalize_answer(prediction, form, pointer="/prediction")
    return normalised


def _encode_payload(raw: bytes, posted: PostedOutput, prediction: Any) -> bytes:
    """The payload's JSON: what reviewers see is as it was sent, because decoded numbers lose digits (`1.10`)."""
    sent = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    optional = {name: sent.get(name) for name in _SENT_FIELDS if getattr(posted, name) is not None}
    whole = {
        "input": sent["input"],
        **optional,
        "prediction": sent["prediction"] if isinstance(prediction, dict) else prediction,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=-1)  # without the producer's blanks


def _invalid_output(message: str) -> Invalid:
    """A problem with a JSON Pointer, from a msgspec message with a path."""
    sentence, pointer = json_pointer.split_validation_message(message)
    sentence = _FIELD_RULES.get(pointer, sentence)
    return Invalid(f"Invalid output: {sentence}.", [{"pointer": pointer, "detail": sentence}])
