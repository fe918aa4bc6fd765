"""Outputs over HTTP: post, look at, withdraw."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiRequest, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from escalation import decisions, dispatch, elements, ingest, nudges, outcomes, states, stories, streams
from escalation.api import documents
from escalation.ingest import Result
from escalation.models import Output
from escalation.states import State
from reviewqueue import http

WRITE = "outputs:write"
MOST_WAIT_SECONDS = 10.0
_NDJSON = ("application/x-ndjson", "application/jsonl")
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d+(?:\.\d+)?)", re.ASCII | re.IGNORECASE)


class Outputs(APIView):
    """`POST /streams/{stream}/outputs`: one output, an array of up to 1,000, or as many lines of NDJSON."""

    @extend_schema(
        operation_id="post_outputs",
        request={
            "application/json": OpenApiRequest(documents.OUTPUT, examples=documents.OUTPUT_EXAMPLES),
            "application/x-ndjson": OpenApiRequest(documents.OUTPUT),
        },
        parameters=[OpenApiParameter("Prefer", str, "header", description="`wait=SECONDS`, up to 10.")],
        responses={(202, "application/json"): documents.POSTED, 200: documents.STATE, **documents.PROBLEMS},
    )
    def post(self, request: Request, stream: str) -> HttpResponse:
        caller = http.require(request, WRITE, queue=stream)
        target = streams.get(stream)
        body = http.read_body(request, accepts=("application/json", *_NDJSON))
        raw, several = elements.split(body, lines=request._request.content_type in _NDJSON)
        ingest.check_room(target)
        results = ingest.receive(stream=target, raw=raw, actor=caller.actor)
        states_now, applied = self._routed(request, results)
        if several:
            document = {"results": [_element(result, states_now) for result in results]}
            return documents.answer(document, status=202, headers=applied)
        return _single(results[0], states_now, applied)

    def _routed(self, request: Request, results: Sequence[Result]) -> tuple[dict[int, State], dict[str, str]]:
        """Wake the worker, or route at once for a producer who waits; the states then, and what was applied."""
        waiting = [result.output_id for result in results if result.output_id is not None and result.is_to_be_routed()]
        seconds = _wait_seconds(request)
        if not waiting:
            return {}, {}
        if not seconds:
            nudges.dispatch()
            return {}, {}
        began = time.monotonic()
        dispatch.route_now(waiting, seconds=seconds)
        current = states.of(waiting)
        routed = all(state.status != Output.State.RECEIVED for state in current.values())
        waited = time.monotonic() - began
        return current, {"Preference-Applied": f"wait={seconds:g}"} if routed and waited <= seconds + 1 else {}


class OneOutput(APIView):
    """`GET` and `DELETE /streams/{stream}/outputs/{id}`."""

    @extend_schema(operation_id="get_output", responses={200: documents.STATE_WITH_HISTORY, **documents.PROBLEMS})
    def get(self, request: Request, stream: str, external_id: str) -> HttpResponse:
        http.require(request, WRITE, queue=stream)
        output = states.find(stream=streams.get(stream), external_id=external_id)
        state = states.of([output.pk])[output.pk]
        history = [{"at": line.at, "text": line.text} for line in stories.of(output)]
        return documents.answer({**_state(external_id, state), "history": history})

    @extend_schema(operation_id="withdraw_output", responses={200: documents.STATE, **documents.PROBLEMS})
    def delete(self, request: Request, stream: str, external_id: str) -> HttpResponse:
        caller = http.require(request, WRITE, queue=stream)
        target = streams.get(stream)
        outcomes.withdraw(stream=target, external_id=external_id, actor=caller.actor)
        decisions.number()
        output = states.find(stream=target, external_id=external_id)
        return documents.answer(_state(external_id, states.of([output.pk])[output.pk]))


def _wait_seconds(request: Request) -> float:
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(float(found[1]), MOST_WAIT_SECONDS) if found else 0.0


def _single(result: Result, current: dict[int, State], headers: dict[str, str]) -> HttpResponse:
    if result.problem:
        raise result.problem
    return documents.answer(_told(result, current), status=202 if result.created else 200, headers=headers)


def _element(result: Result, current: dict[int, State]) -> dict[str, Any]:
    if result.problem:
        return {"code": result.problem.status, "id": result.external_id, "problem": result.problem.document()}
    return {"code": 202 if result.created else 200, **_told(result, current)}


def _told(result: Result, current: dict[int, State]) -> dict[str, Any]:
    external_id = result.external_id or ""
    state = current.get(result.output_id or 0) or result.state
    told = _state(external_id, state) if state else {"id": external_id, **_RECEIVED}
    return told if result.created else {**told, "duplicate": True}


_RECEIVED: dict[str, Any] = {
    "status": "received", "route": None, "reason": None, "pi": None, "policy": None, "decision": None
}  # fmt: skip


def _state(external_id: str, state: State) -> dict[str, Any]:
    return {
        "id": external_id,
        "status": state.status,
        "route": state.route,
        "reason": state.reason,
        "pi": state.pi,
        "policy": state.policy,
        "decision": state.decision,
    }
