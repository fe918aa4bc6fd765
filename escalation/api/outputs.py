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

from escalation.api import schemas
from escalation.decisions import feed, withdraw
from escalation.ingest import receive, schema, wakeup
from escalation.ingest.receive import Result
from escalation.models import Output
from escalation.outputs import status
from escalation.outputs.history import of
from escalation.outputs.status import State
from escalation.routing import dispatch
from escalation.streams import definition
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
            "application/json": OpenApiRequest(schemas.OUTPUT, examples=schemas.OUTPUT_EXAMPLES),
            "application/x-ndjson": OpenApiRequest(schemas.OUTPUT),
        },
        parameters=[OpenApiParameter("Prefer", str, "header", description="`wait=SECONDS`, up to 10.")],
        responses={(202, "application/json"): schemas.POSTED, 200: schemas.STATE, **schemas.PROBLEMS},
    )
    def post(self, request: Request, stream: str) -> HttpResponse:
        caller = http.require(request, WRITE, queue=stream)
        target = definition.get(stream)
        body = http.read_body(request, accepts=("application/json", *_NDJSON))
        raw, several = schema.split(body, lines=request._request.content_type in _NDJSON)
        receive.check_room(target)
        results = receive.receive(stream=target, raw=raw, actor=caller.actor)
        states_now, applied = self._routed(request, results)
        if several:
            document = {"results": [_element(result, states_now) for result in results]}
            return schemas.answer(document, status=202, headers=applied)
        return _single(results[0], states_now, applied)

    def _routed(self, request: Request, results: Sequence[Result]) -> tuple[dict[int, State], dict[str, str]]:
        """Wake the worker, or route at once for a producer who waits; the states then, and what was applied."""
        waiting = [result.output_id for result in results if result.output_id is not None and result.is_to_be_routed()]
        seconds = _wait_seconds(request)
        if not waiting:
            return {}, {}
        if not seconds:
            wakeup.dispatch()
            return {}, {}
        began = time.monotonic()
        dispatch.route_now(waiting, seconds=seconds)
        current = status.of(waiting)
        routed = all(state.status != Output.State.RECEIVED for state in current.values())
        waited = time.monotonic() - began
        return current, {"Preference-Applied": f"wait={seconds:g}"} if routed and waited <= seconds + 1 else {}


class OneOutput(APIView):
    """`GET` and `DELETE /streams/{stream}/outputs/{id}`."""

    @extend_schema(operation_id="get_output", responses={200: schemas.STATE_WITH_HISTORY, **schemas.PROBLEMS})
    def get(self, request: Request, stream: str, external_id: str) -> HttpResponse:
        http.require(request, WRITE, queue=stream)
        output = status.find(stream=definition.get(stream), external_id=external_id)
        state = status.of([output.pk])[output.pk]
        history = [{"at": line.at, "text": line.text} for line in of(output)]
        return schemas.answer({**_state(external_id, state), "history": history})

    @extend_schema(operation_id="withdraw_output", responses={200: schemas.STATE, **schemas.PROBLEMS})
    def delete(self, request: Request, stream: str, external_id: str) -> HttpResponse:
        caller = http.require(request, WRITE, queue=stream)
        target = definition.get(stream)
        withdraw.withdraw(stream=target, external_id=external_id, actor=caller.actor)
        feed.number()
        output = status.find(stream=target, external_id=external_id)
        return schemas.answer(_state(external_id, status.of([output.pk])[output.pk]))


def _wait_seconds(request: Request) -> float:
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(float(found[1]), MOST_WAIT_SECONDS) if found else 0.0


def _single(result: Result, current: dict[int, State], headers: dict[str, str]) -> HttpResponse:
    if result.problem:
        raise result.problem
    return schemas.answer(_told(result, current), status=202 if result.created else 200, headers=headers)


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
