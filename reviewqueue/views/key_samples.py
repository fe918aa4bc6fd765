"""The first request to try with a new API key: a curl command that only needs to be pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from reviewqueue.models import AnswerSchema, ApiKey

# For each scope, what to request: the path below /api/v1/ and the body, if any. The first scope that a key has counts.
SAMPLE_REQUESTS: Mapping[str, tuple[str, Mapping[str, Any] | None]] = {
    "outputs:write": (
        "streams/{stream}/outputs",
        {
            "id": "my-first",
            "model": "my-model",
            "prediction": {},
            "confidence": 0.62,
            "input": {"text": "What the model saw"},
        },
    ),
    "decisions:read": ("streams/{stream}/decisions?limit=10", None),
    "reports:read": ("streams/{stream}/report", None),
    "labels:read": ("streams/{stream}/labels", None),
    "review": ("queues/{stream}/claims", {"reviewer": "{reviewer}"}),
}
ANY_STREAM, ANY_REVIEWER = "STREAM", "USERNAME"  # to be replaced, where the key does not say it


def build_sample_command(key: ApiKey, text: str, *, origin: str, slugs: Sequence[str]) -> str:
    """A curl command with the key's text in it; `origin` is the product's, with its scheme.

    A key for all streams is tried on the first of `slugs`, those that the creator sees.
    """
    path, body = next(sample for scope, sample in SAMPLE_REQUESTS.items() if scope in key.scopes)
    slug = next(iter([*key.queues, *slugs]), ANY_STREAM)
    names = {
        "stream": slug,
        "reviewer": key.acts_as.username if key.acts_as else ANY_REVIEWER,
    }
    lines = [
        f"curl {shlex.quote(f'{origin}/api/v1/{path.format(**names)}')}",
        f"-H {shlex.quote(f'Authorization: Bearer {text}')}",
    ]
    if body is not None:
        if "prediction" in body:
            body = {**body, "prediction": _find_prediction(slug)}
        document = json.dumps(body, ensure_ascii=False).replace("{reviewer}", names["reviewer"])
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(document)}"]
    return " \\\n  ".join(lines)


def _find_prediction(slug: str) -> Any:
    """A prediction that fits the present answers of the stream, as far as one can be made up."""
    schema = AnswerSchema.objects.filter(queue__slug=slug).order_by("-number").first()
    if schema is None:
        return "an answer of the stream"
    predictions: dict[str, Any] = {AnswerSchema.Kind.LABEL: "".join(schema.answers[:1])}
    predictions[AnswerSchema.Kind.LABELS] = schema.answers[:1]
    return predictions.get(schema.kind, {})
