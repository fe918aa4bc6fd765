"""Parses posted outputs: the typed output, its canonical form, and the problem if it is invalid."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from escalation.ingest import confidence
from escalation.ingest.confidence import ReportedConfidence
from escalation.policies.conditions import LANGUAGE_KEY, fold_text
from escalation.routing.decide import LabelDecisions
from escalation.routing.field_routes import FieldConfidences
from reviewqueue.answers import schema
from reviewqueue.answers.schema import AnswerSpec
from reviewqueue.kernel import json_pointer, sent_json, strict_json, typed_input
from reviewqueue.kernel.errors import Invalid, Problem

MAX_OUTPUTS_PER_REQUEST = 1000
MAX_EXTERNAL_ID_LENGTH = 200
_LINE = re.compile(rb"[^ \t\r\n][^\r\n]*")  # of NDJSON; blank lines are none

# \Z, because $ also matches before a trailing line break.
type ShortText = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
type Probability = Annotated[float, Meta(ge=0, le=1)]
type Timestamp = Annotated[datetime, Meta(tz=True)]

MIN_YEAR, MAX_YEAR = 1900, 9998  # dates that can be shown in every time zone

_TEXT_RULE = "a string of 1 to 200 characters without control characters"
_TIME_RULE = f"an RFC 3339 date and time with a UTC offset, in the years {MIN_YEAR} to {MAX_YEAR}"
# What a field must be, where its type does not say it; `/*` stands for the entries of an object.
_FIELD_RULES = {
    "id": _TEXT_RULE,
    "model": _TEXT_RULE,
    "model_version": f"{_TEXT_RULE}, or null",
    "group": f"{_TEXT_RULE}, or null",
    "value": "a number from -1e15 to 1e15 or null",
    "language": "a language tag such as `en` or `pt-BR`, or null",
    "segment/*": _TEXT_RULE,
    "due_at": f"{_TIME_RULE}, or null",
    "occurred_at": f"{_TIME_RULE}, or null",
}
# A URL's path cannot end in these: clients and proxies resolve them, also when they are percent-encoded.
_UNADDRESSABLE_IDS = frozenset({".", ".."})


class PostedOutput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One posted output.

    `confidence` may be null, which sends the output to review. It may be absent if `scores` says how sure the model is
    of the prediction: see `ingest.confidence`.
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


# The types that the canonical form of a field depends on; all other fields are encoded as they were sent.
_CANONICAL_TYPES: dict[str, Any] = {
    "confidence": float | UnsetType | None,
    "scores": dict[str, float] | None,
    "value": float | None,
    "due_at": Timestamp | None,
    "occurred_at": Timestamp | None,
}
# A posted output without its rules, which change over the years: a retry has to be recognised for ever.
_UncheckedOutput = msgspec.defstruct(
    "UncheckedOutput",
    [
        (one.name, _CANONICAL_TYPES.get(one.name, Any), *(() if one.required else (one.default,)))
        for one in msgspec.structs.fields(PostedOutput)
    ],
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
)


@dataclass(frozen=True, slots=True)
class DecodedOutput:
    """An output ready to be stored. `body` is the JSON text of its payload; `digest` identifies its content.

    `labels` is None unless the answer is a set of labels, `fields` unless it has fields. `invalid_prediction`: the
    prediction breaks the schema of its answers. `segment` includes the output's language.
    """

    posted: PostedOutput
    confidence: float | None
    predicted: str
    labels: LabelDecisions | None
    fields: FieldConfidences | None
    invalid_prediction: bool
    segment: dict[str, str] | None
    digest: bytes
    body: bytes


class TooManyOutputs(Invalid):
    code = "too_many_elements"
    status = 413


def split_body(body: bytes, *, lines: bool) -> tuple[list[bytes], bool]:
    """The raw outputs in a request's body, and whether it is a list (an array or lines) rather than one object.

    Raises Invalid for an empty list or malformed JSON, TooManyOutputs, and Problem 413 for too many JSON values.
    """
    body = strict_json.skip_byte_order_mark(body)
    strict_json.check_value_count(body)
    if lines:
        # One more than allowed is enough to know: millions of lines would take more memory than the body.
        return _check_count([line[0] for line in islice(_LINE.finditer(body), MAX_OUTPUTS_PER_REQUEST + 1)]), True
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
    posted = typed_input.convert_input(strict_json.parse_json(raw), PostedOutput, subject="output", rules=_FIELD_RULES)
    if posted.id in _UNADDRESSABLE_IDS:
        raise _invalid_output("`id` must not be `.` or `..`, which no URL can end in - at `$.id`")
    posted = _convert_to_utc(posted)
    prediction, valid = _normalise_prediction(posted.prediction, form)
    sent = None if isinstance(posted.confidence, UnsetType) else posted.confidence
    reported = confidence.interpret_scores(prediction, posted.scores or {}, form, overall=sent)
    return DecodedOutput(
        posted=posted,
        confidence=_effective_confidence(posted, reported),
        predicted=prediction if isinstance(prediction, str) else "",
        labels=reported.labels,
        fields=reported.fields,
        invalid_prediction=not valid,
        segment=_segment_with_language(posted),
        digest=_digest_content(posted, secret),
        body=sent_json.encode_sent({**_build_payload(posted), "prediction": prediction}).encode(),
    )


@dataclass(frozen=True, slots=True)
class RefusedOutput:
    """What can be read of an output that is not valid.

    `external_id` may be cut off. `digest` is that of `DecodedOutput` for the same content, empty if the content cannot
    be that of a stored output; None if the id cannot be, so that there is nothing to look up.
    """

    external_id: str | None
    digest: bytes | None = None


def peek_refused_output(raw: bytes, *, secret: bytes) -> RefusedOutput:
    """The id of a refused output and the digest of its content, which was perhaps valid when it was first posted."""
    try:
        value = strict_json.parse_json(raw)
    except Problem:
        return RefusedOutput(None)
    name = value.get("id") if isinstance(value, dict) else None
    if not isinstance(name, str):
        return RefusedOutput(None)
    if not 0 < len(name) <= MAX_EXTERNAL_ID_LENGTH:
        return RefusedOutput(name[:MAX_EXTERNAL_ID_LENGTH])
    return RefusedOutput(name, _digest_unchecked(value, secret))


def encode_json(value: object | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _check_count(outputs: list[bytes]) -> list[bytes]:
    if not outputs:
        raise Invalid("The body contains no outputs. Send at least one.")
    if len(outputs) > MAX_OUTPUTS_PER_REQUEST:
        raise TooManyOutputs(
            f"A request may contain at most {MAX_OUTPUTS_PER_REQUEST:,} outputs. Split it into several requests."
        )
    return outputs


def _convert_to_utc(posted: PostedOutput) -> PostedOutput:
    """With all times in UTC, so that the same instant written in another time zone is the same content."""
    moments = {name: moment for name in ("due_at", "occurred_at") if (moment := getattr(posted, name)) is not None}
    for name, moment in moments.items():
        if not MIN_YEAR <= moment.year <= MAX_YEAR:
            raise _invalid_output(f"`{name}` must be {_FIELD_RULES[name]} - at `$.{name}`")
    return _with_times_in_utc(posted)


def _with_times_in_utc[T: msgspec.Struct](posted: T) -> T:
    moments = {name: getattr(posted, name) for name in ("due_at", "occurred_at")}
    changed = {name: moment.astimezone(UTC) for name, moment in moments.items() if moment and moment.tzinfo is not UTC}
    return msgspec.structs.replace(posted, **changed) if changed else posted


def _digest_content(posted: msgspec.Struct, secret: bytes) -> bytes:
    """What a retry must repeat: neither the stream's answers nor how they are normalised matters.

    Numbers are compared as doubles: clients may write the same number differently.
    """
    return hmac.digest(secret, msgspec.json.encode(posted, enc_hook=float, order="sorted"), hashlib.sha256)


def _digest_unchecked(value: dict[str, Any], secret: bytes) -> bytes:
    """The digest of a posted object that no rule has to hold for; empty if no output could have this content."""
    try:
        posted = msgspec.convert(typed_input.with_plain_numbers(value, _UncheckedOutput), _UncheckedOutput)
        return _digest_content(_with_times_in_utc(posted), secret)
    except (msgspec.ValidationError, OverflowError):
        return b""


def _effective_confidence(posted: PostedOutput, reported: ReportedConfidence) -> float | None:
    """The confidence as sent, or as it follows from the scores. Raises Invalid if there is neither."""
    if not isinstance(posted.confidence, UnsetType):
        return posted.confidence
    if not posted.scores:
        raise _invalid_output("Object missing required field `confidence`")
    if reported.implied is None:
        raise _invalid_output(
            "`confidence` is missing, and `scores` does not say how sure the model is of its whole prediction; "
            "send `confidence` (null sends the output to review)"
        )
    return reported.implied


def _normalise_prediction(
    prediction: str | list[str] | dict[str, Any], form: AnswerSpec
) -> tuple[str | list[str] | dict[str, Any], bool]:
    """The prediction as one of the stream's answers, and whether it is one.

    An object that breaks the schema is stored as it is, so that a person can correct it.
    """
    try:
        return schema.normalize_answer(prediction, form, pointer="/prediction"), True
    except (Invalid, RecursionError):
        if form.kind == schema.STRUCTURED and isinstance(prediction, dict):
            return prediction, False
        raise


def _segment_with_language(posted: PostedOutput) -> dict[str, str] | None:
    """The segment, in which rules and reports also find the output's language."""
    segment = posted.segment
    if posted.language is None or any(fold_text(key) == LANGUAGE_KEY for key in segment or ()):
        return segment
    return {**(segment or {}), LANGUAGE_KEY: posted.language}


def _build_payload(posted: PostedOutput) -> dict[str, Any]:
    """The fields stored in the payload, without the prediction."""
    optional = {
        "scores": posted.scores,
        "context": posted.context,
        "metadata": posted.metadata,
        "language": posted.language,
    }
    present = {name: value for name, value in optional.items() if value is not None}
    return {"input": posted.input, **present}


def _invalid_output(message: str) -> Invalid:
    """A problem with a JSON Pointer, from a message with a path as msgspec writes it."""
    sentence, pointer = json_pointer.split_validation_message(message)
    return typed_input.build_invalid_input("output", [(pointer, sentence)])
