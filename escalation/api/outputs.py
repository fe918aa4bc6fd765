"""Outputs over HTTP: post, get, withdraw."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from escalation.api import codec, documents
from escalation.decisions import feed, withdraw
from escalation.ingest import receive, schema, wakeup
from escalation.ingest.receive import IngestResult
from escalation.ingest.schema import PostedOutput
from escalation.models import Output
from escalation.outputs import status
from escalation.outputs.history import build_output_history
from escalation.outputs.status import OutputStatus
from escalation.routing import dispatch
from escalation.streams import definition
from reviewqueue import http

WRITE_SCOPE = "outputs:write"
MAX_WAIT_SECONDS = 10.0
_NDJSON_CONTENT_TYPES = ("application/x-ndjson", "application/jsonl")
_WAIT_PREFERENCE = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d+(?:\.\d+)?)", re.ASCII | re.IGNORECASE)


_RECEIVED_STATUS: dict[str, Any] = {
    "status": "received", "route": None, "reason": None, "pi": None, "policy": None, "decision": None
}  # fmt: skip
OUTPUT_EXAMPLE = {
    "id": "ticket-8123",
    "model": "intent-clf",
    "prediction": "refund",
    "confidence": 0.62,
    "input": {"text": "I was charged twice"},
}
RECEIVED_EXAMPLE = {"id": "ticket-8123", **_RECEIVED_STATUS}
DECIDED_EXAMPLE = {
    "id": "ticket-8123",
    "status": "decided",
    "route": "review",
    "reason": "below_threshold",
    "pi": 1.0,
    "policy": 1,
    "decision": {
        "answer": "billing",
        "outcome": "answered",
        "by": "people",
        "revision": 1,
        "decided_at": "2026-11-23T11:00:30Z",
    },
}

_POSTED_OUTPUT = {"stream": "$request.path.stream", "external_id": "$response.body#/id"}


class OutputsView(APIView):
    """`POST /streams/{stream}/outputs`: one output, an array of up to 1,000, or up to 1,000 lines of NDJSON."""

    @http.documented(
        http.ApiOperation(
            name="post_outputs",
            tag="Outputs",
            summary="Post outputs",
            description="Post one output, an array of up to 1,000, or as many lines of NDJSON. An id is unique in its "
            "stream for ever, so a retry is always safe: the same id with the same content returns the stored state, "
            "with other content it is a conflict. In a batch, one refused output does not affect the others.",
            scope=WRITE_SCOPE,
            headers={"Prefer": f"`wait=SECONDS`: wait up to so long (at most {MAX_WAIT_SECONDS:g}) for the route."},
            bodies={
                http.JSON: http.describe_body(PostedOutput, listed=schema.MAX_OUTPUTS_PER_REQUEST),
                http.NDJSON: http.describe_body(PostedOutput, lines=True),
            },
            examples={"one output": OUTPUT_EXAMPLE, "a batch": [OUTPUT_EXAMPLE]},
            answers={
                202: http.ApiAnswer(
                    "Accepted: the state of the output, or the results of a batch.",
                    http.describe_body(documents.OutputState, documents.BatchResult),
                    headers={"Preference-Applied": "`wait=SECONDS` if the route was waited for."},
                    examples={"received": RECEIVED_EXAMPLE},
                    links={"get_output": _POSTED_OUTPUT, "withdraw_output": _POSTED_OUTPUT},
                ),
                200: http.ApiAnswer(
                    "The output was posted before: its state now.",
                    http.describe_body(documents.OutputState),
                    headers={"Preference-Applied": "`wait=SECONDS` if the route was waited for."},
                    examples={"decided": DECIDED_EXAMPLE | {"duplicate": True}},
                    links={"get_output": _POSTED_OUTPUT},
                ),
            },
            problems={
                409: "`output_conflict`: this id was posted before with other content",
                413: "`too_large`: more than 8 MiB; `too_many_elements`: more than 1,000 outputs",
                429: "`overloaded`: too many outputs of the stream are waiting for review",
            },
        )
    )
    def post(self, request: Request, stream: str) -> HttpResponse:
        caller = http.require_caller(request, WRITE_SCOPE, queue=stream)
        target = definition.get_stream(stream)
        body = http.read_body(request, accepts=("application/json", *_NDJSON_CONTENT_TYPES))
        raw, several = schema.split_body(body, lines=request._request.content_type in _NDJSON_CONTENT_TYPES)
        receive.check_capacity(target)
        results = receive.receive_outputs(stream=target, raw=raw, actor=caller.actor)
        states_now, applied = self._route_or_wake(request, results)
        if several:
            document = {"results": [_render_batch_result(result, states_now) for result in results]}
            return codec.render_json(document, status=202, headers=applied)
        return _render_single(results[0], states_now, applied)

    def _route_or_wake(
        self, request: Request, results: Sequence[IngestResult]
    ) -> tuple[dict[int, OutputStatus], dict[str, str]]:
        """Wake the worker, or route now if the producer asked to wait.

        Returns the states after routing and the header that says which preference was applied.
        """
        waiting = [result.output_id for result in results if result.output_id is not None and result.needs_routing()]
        seconds = _read_wait_seconds(request)
        if not waiting:
            return {}, {}
        if not seconds:
            wakeup.wake_worker()
            return {}, {}
        began = time.monotonic()
        dispatch.route_now(waiting, seconds=seconds)
        current = status.statuses_of(waiting)
        routed = all(state.status != Output.State.RECEIVED for state in current.values())
        waited = time.monotonic() - began
        return current, {"Preference-Applied": f"wait={seconds:g}"} if routed and waited <= seconds + 1 else {}


class OutputView(APIView):
    """`GET` and `DELETE /streams/{stream}/outputs/{id}`."""

    @http.documented(
        http.ApiOperation(
            name="get_output",
            tag="Outputs",
            summary="Get an output",
            description="The output's state, decision and history.",
            scope=WRITE_SCOPE,
            answers={200: http.ApiAnswer("The output.", http.describe_body(documents.OutputDetailDocument))},
        )
    )
    def get(self, request: Request, stream: str, external_id: str) -> HttpResponse:
        http.require_caller(request, WRITE_SCOPE, queue=stream)
        output = status.find_output(stream=definition.get_stream(stream), external_id=external_id)
        state = status.statuses_of([output.pk])[output.pk]
        history = [{"at": entry.at, "text": entry.text} for entry in build_output_history(output, for_producer=True)]
        return codec.render_json({**_render_status(external_id, state), "history": history})

    @http.documented(
        http.ApiOperation(
            name="withdraw_output",
            tag="Outputs",
            summary="Withdraw an output",
            description="Takes it off the queue; the feed says `withdrawn`. Doing it again changes nothing.",
            scope=WRITE_SCOPE,
            answers={200: http.ApiAnswer("The output, withdrawn.", http.describe_body(documents.OutputState))},
        )
    )
    def delete(self, request: Request, stream: str, external_id: str) -> HttpResponse:
        caller = http.require_caller(request, WRITE_SCOPE, queue=stream)
        target = definition.get_stream(stream)
        withdraw.withdraw_output(stream=target, external_id=external_id, actor=caller.actor)
        feed.number_decisions()
        output = status.find_output(stream=target, external_id=external_id)
        return codec.render_json(_render_status(external_id, status.statuses_of([output.pk])[output.pk]))


def _read_wait_seconds(request: Request) -> float:
    found = _WAIT_PREFERENCE.search(request.headers.get("Prefer", ""))
    return min(float(found[1]), MAX_WAIT_SECONDS) if found else 0.0


def _render_single(result: IngestResult, current: dict[int, OutputStatus], headers: dict[str, str]) -> HttpResponse:
    if result.problem:
        raise result.problem
    return codec.render_json(_render_result(result, current), status=202 if result.created else 200, headers=headers)


def _render_batch_result(result: IngestResult, current: dict[int, OutputStatus]) -> dict[str, Any]:
    if result.problem:
        return {"code": result.problem.status, "id": result.external_id, "problem": result.problem.document()}
    return {"code": 202 if result.created else 200, **_render_result(result, current)}


def _render_result(result: IngestResult, current: dict[int, OutputStatus]) -> dict[str, Any]:
    external_id = result.external_id or ""
    state = current.get(result.output_id or 0) or result.state
    document = _render_status(external_id, state) if state else {"id": external_id, **_RECEIVED_STATUS}
    return document if result.created else {**document, "duplicate": True}


def _render_status(external_id: str, state: OutputStatus) -> dict[str, Any]:
    return {
        "id": external_id,
        "status": state.status,
        "route": state.route,
        "reason": state.reason,
        "pi": state.pi,
        "policy": state.policy,
        "decision": state.decision,
    }
