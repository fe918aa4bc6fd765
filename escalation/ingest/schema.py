"""What producers post: the typed element, its one canonical form, and the problem where it makes no sense."""

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

# \Z, because $ also matches before a line break at the end.
type ShortText = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
type Probability = Annotated[float, Meta(ge=0, le=1)]
type Timestamp = Annotated[datetime, Meta(tz=True)]

MIN_YEAR, MAX_YEAR = 1900, 9998  # what can be shown in every time zone


class PostedOutput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One posted output. `confidence` may be null, which sends it to a person, or absent where `scores` has a
    confidence per field, of which the weakest decides."""

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
    """An element ready to be stored. `body` is the JSON text of its payload; `digest` identifies its content."""

    posted: PostedOutput
    confidence: float | None
    predicted: str
    digest: bytes
    body: bytes


class TooManyOutputs(Invalid):
    code = "too_many_elements"
    status = 413


def split_body(body: bytes, *, lines: bool) -> tuple[list[bytes], bool]:
    """The raw elements of a request's body, and whether there may be several (an array or lines) or one object."""
    if lines:
        return _check_count([line for line in body.splitlines() if line.strip()]), True
    if body.lstrip()[:1] != b"[":
        return [body], False
    try:
        elements = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"The body is not a JSON array: {error}") from error
    return _check_count([bytes(element) for element in elements]), True


def decode_output(raw: bytes, *, form: AnswerSpec, secret: bytes) -> DecodedOutput:
    """A typed element, or Invalid with a pointer to the place. `secret` keys the digest of its canonical form."""
    try:
        element = msgspec.convert(strict_json.parse_json(raw), PostedOutput)
    except msgspec.ValidationError as error:
        raise _invalid_output(str(error)) from error
    element = _convert_to_utc(element)
    prediction = _normalise_prediction(element.prediction, form)
    return DecodedOutput(
        posted=element,
        confidence=_effective_confidence(element),
        predicted=prediction if isinstance(prediction, str) else "",
        digest=hmac.digest(secret, msgspec.json.encode(element, order="sorted"), hashlib.sha256),
        body=msgspec.json.encode({**_build_payload(element), "prediction": prediction}),
    )


def peek_external_id(raw: bytes) -> str | None:
    """The id of an element that was refused, where it can be read, so that its producer knows which one it was."""
    try:
        value = strict_json.parse_json(raw)
    except Problem:
        return None
    name = value.get("id") if isinstance(value, dict) else None
    return name[:MAX_EXTERNAL_ID_LENGTH] if isinstance(name, str) else None


def encode_json(value: object | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _check_count(elements: list[bytes]) -> list[bytes]:
    if not elements:
        raise Invalid("The body has no output in it.")
    if len(elements) > MAX_OUTPUTS_PER_REQUEST:
        raise TooManyOutputs(f"A request takes up to {MAX_OUTPUTS_PER_REQUEST} outputs; this one has {len(elements)}.")
    return elements


def _convert_to_utc(element: PostedOutput) -> PostedOutput:
    """The same instant written in another zone is the same content."""
    moments = {name: moment for name in ("due_at", "occurred_at") if (moment := getattr(element, name)) is not None}
    for name, moment in moments.items():
        if not MIN_YEAR <= moment.year <= MAX_YEAR:
            raise _invalid_output(f"Expected a moment of the years {MIN_YEAR} to {MAX_YEAR} - at `$.{name}`")
    changed = {name: moment.astimezone(UTC) for name, moment in moments.items() if moment.tzinfo is not UTC}
    return msgspec.structs.replace(element, **changed) if changed else element


def _effective_confidence(element: PostedOutput) -> float | None:
    if not isinstance(element.confidence, UnsetType):
        return element.confidence
    if not element.scores:
        raise _invalid_output("Object missing required field `confidence`")
    return min(element.scores.values())


def _normalise_prediction(
    prediction: str | list[str] | dict[str, Any], form: AnswerSpec
) -> str | list[str] | dict[str, Any]:
    """The prediction as one of the stream's answers; an object is taken as it is, since a person can mend it."""
    if form.kind == schema.STRUCTURED and isinstance(prediction, dict):
        return prediction
    normalised: str | list[str] | dict[str, Any] = schema.normalize_answer(prediction, form, pointer="/prediction")
    return normalised


def _build_payload(element: PostedOutput) -> dict[str, Any]:
    """What is stored apart from the narrow row, beside the prediction."""
    optional = {
        "scores": element.scores,
        "context": element.context,
        "metadata": element.metadata,
        "language": element.language,
    }
    present = {name: value for name, value in optional.items() if value is not None}
    return {"input": element.input, **present}


def _invalid_output(message: str) -> Invalid:
    """msgspec's sentence and path as a problem with a JSON Pointer."""
    sentence, pointer = json_pointer.split_validation_message(message)
    return Invalid(f"The output makes no sense: {sentence}.", [{"pointer": pointer, "detail": sentence}])
