"""Claims and verdicts over HTTP, for desks other than ours.

A `review` key acts for a person. Who that is stands in the body of the first call, and from then on in the claim.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviewqueue import http
from reviewqueue.accounts import roles
from reviewqueue.api.serializers import (
    ClaimDocument,
    ClaimRequest,
    Strict,
    SubmittedDocument,
    VerdictRequest,
    claim_document,
)
from reviewqueue.kernel.errors import Invalid, NotFound
from reviewqueue.models import User
from reviewqueue.queue import lease
from reviewqueue.queue.claim import claim_next, release, renew
from reviewqueue.queue.lease import ClaimId, ClaimLost
from reviewqueue.verdicts import submit, validation

SCOPE = "review"
_ITEM = {
    "id": "1895425638400000001",
    "reference": "ticket-8123",
    "queue": "intents",
    "title": "Support intents",
    "question": "What does the customer want?",
    "kind": "label",
    "answers": ["billing", "refund", "card_arrival"],
    "schema": None,
    "schema_number": 1,
    "guideline_number": 1,
    "input": {"text": "I was charged twice"},
    "context": None,
    "language": "en",
    "due_at": "2026-11-23T12:00:00Z",
    "error_types": ["wrong account", "two accounts"],
}
_CLAIM = OpenApiExample(
    "an answer-first item",
    value={
        "claim": "4711.1",
        "item": _ITEM,
        "answer_first": True,
        "revealed": False,
        "first_kind": None,
        "first_answer": None,
        "final_say": False,
        "others": [],
        "expires_at": "2026-11-23T11:15:00Z",
    },
    response_only=True,
    status_codes=["200", "201"],
)
_VERDICTS = [
    OpenApiExample("agree", value={"verdict": "agree"}, request_only=True),
    OpenApiExample("another answer", value={"verdict": "correct", "answer": "billing"}, request_only=True),
    OpenApiExample(
        "another answer, and the kind of mistake",
        value={"verdict": "correct", "answer": "billing", "error_type": "wrong account"},
        request_only=True,
    ),
    OpenApiExample(
        "the final say",
        value={"verdict": "correct", "answer": "billing", "reason": "reviewer_error"},
        request_only=True,
    ),
    OpenApiExample("answer first", value={"verdict": "answer", "answer": "billing"}, request_only=True),
    OpenApiExample("ask the lead", value={"verdict": "escalate", "reason": "guideline_gap"}, request_only=True),
    OpenApiExample(
        "recorded",
        value={"id": "815", "final_at": "2026-11-23T11:00:30Z"},
        response_only=True,
        status_codes=["200", "201"],
    ),
]


def _problem(description: str, *, status: int, code: str, detail: str) -> OpenApiResponse:
    value = {"type": "about:blank", "title": "Conflict", "status": status, "code": code, "detail": detail}
    value["title"] = {403: "Forbidden", 404: "Not Found"}.get(status, "Conflict")
    return OpenApiResponse(
        response={"$ref": "#/components/schemas/Problem"},
        description=description,
        examples=[OpenApiExample(code, value=value)],
    )


_REFUSED: dict[Any, OpenApiResponse] = {
    (403, "application/problem+json"): _problem(
        "`not_a_member`, `missing_scope`; `forbidden` for a final say of somebody who leads no more.",
        status=403,
        code="not_a_member",
        detail="eve is not a reviewer of 'intents' whom this key may act for.",
    ),
    (404, "application/problem+json"): _problem(
        "`not_found`: it isn't there, or not for this key.",
        status=404,
        code="not_found",
        detail=lease.NOT_RESERVED,
    ),
    (409, "application/problem+json"): _problem(
        "`claim_lost`, `item_withdrawn`, `verdict_exists`, `answer_first`, `final_say`, `verdict_final`, "
        "`too_many_claims`",
        status=409,
        code="claim_lost",
        detail="Your reservation ran out and someone else has taken the item.",
    ),
}
_NOTHING = OpenApiResponse(description="Nothing is claimable by this person.")
_DONE = OpenApiResponse(description="Given back.")
_SUBMITTED = OpenApiResponse(SubmittedDocument, description="Recorded.")
# Two shapes of one status: the same verdict again, or the item after a first answer.
_AGAIN = OpenApiResponse(
    ClaimDocument, description="After `answer`, the claim with the proposal. The same verdict again: as for 201."
)


class Claims(APIView):
    """`POST /queues/{queue}/claims`"""

    @extend_schema(
        operation_id="claim",
        description="Reserve the next item for a person. Always a new one; at most ten are held at a time.",
        request=ClaimRequest,
        responses={201: ClaimDocument, 204: _NOTHING, **_REFUSED},
        examples=[OpenApiExample("for rob", value={"reviewer": "rob"}, request_only=True), _CLAIM],
    )
    def post(self, request: Request, queue: str) -> Response:
        caller = http.require(request, SCOPE, queue=queue)
        person = roles.reviewer_acting(caller, _read(ClaimRequest, request).get("reviewer"), queue)
        claim = claim_next(user=person, slug=queue, resume=False)
        return Response(status=204) if claim is None else Response(claim_document(claim), status=201)


class OneClaim(APIView):
    """`DELETE /claims/{claim}`"""

    @extend_schema(
        operation_id="release", description="Give the item back to the queue.", responses={204: _DONE, **_REFUSED}
    )
    def delete(self, request: Request, claim: str) -> Response:
        release(claim_id=claim, user=_holder(request, claim))
        return Response(status=204)


class Renewal(APIView):
    """`POST /claims/{claim}/renewal`"""

    @extend_schema(
        operation_id="renew",
        description="Keep the item reserved for the queue's full time from now.",
        request=None,
        responses={200: ClaimDocument, **_REFUSED},
        examples=[_CLAIM],
    )
    def post(self, request: Request, claim: str) -> Response:
        return Response(claim_document(renew(claim_id=claim, user=_holder(request, claim))))


class Verdicts(APIView):
    """`POST /claims/{claim}/verdict`"""

    @extend_schema(
        operation_id="submit_verdict",
        description=(
            "Decide. On an answer-first claim, `answer` first; the answer to it shows the proposal. "
            "A final say needs a `reason`: 400 with the pointer `/reason` without one."
        ),
        request=VerdictRequest,
        responses={201: _SUBMITTED, 200: _AGAIN, **_REFUSED},
        examples=_VERDICTS,
    )
    def post(self, request: Request, claim: str) -> Response:
        person, body = _holder(request, claim), _read(VerdictRequest, request)
        kind, instead = body.pop("verdict"), body.pop("instead", None)
        if kind == validation.ANSWER:
            told = submit.answer_first(
                claim_id=claim, user=person, kind=instead or validation.ANSWER, answer=_only_answer(body)
            )
            return Response(claim_document(told))
        if instead is not None:
            raise _misplaced("instead")
        submitted = submit.submit(claim_id=claim, user=person, kind=kind, **body)
        document = {"id": str(submitted.id), "final_at": submitted.final_at}
        return Response(document, status=200 if submitted.repeated else 201)


class OneVerdict(APIView):
    """`DELETE /verdicts/{id}`"""

    @extend_schema(
        operation_id="undo_verdict",
        description="Take a verdict back while it is not final; the item is reserved for the same person again.",
        responses={200: ClaimDocument, **_REFUSED},
        examples=[_CLAIM],
    )
    def delete(self, request: Request, verdict: int) -> Response:
        caller = http.require(request, SCOPE)
        author = submit.author(verdict)
        if author is None or not caller.allows(author.queue):
            raise NotFound("There is no such verdict.")
        person = caller.acts_as or roles.reviewer_acting(caller, author.username, author.queue)
        return Response(claim_document(submit.undo(verdict_id=verdict, user=person)))


def _holder(request: Request, claim: str) -> User:
    """For whom the key acts on this claim: the person it was made as, else whoever holds the claim.

    What that person may still do with it is for the domain to say.
    """
    caller = http.require(request, SCOPE)
    holder = lease.holder(ClaimId.parse(claim))
    if not caller.allows(holder.queue):
        raise lease.not_reserved()
    if caller.acts_as is not None:
        return caller.acts_as
    if holder.username is None:
        raise ClaimLost("This reservation ran out or was given back.")
    return roles.reviewer_acting(caller, holder.username, holder.queue)


def _read(form: type[Strict], request: Request) -> dict[str, Any]:
    checked = form(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def _only_answer(body: dict[str, Any]) -> Any:
    for name in ("reason", "note", "error_type", "active_seconds"):
        if name in body:
            raise _misplaced(name)
    return body.get("answer")


def _misplaced(name: str) -> Invalid:
    detail = f"With this verdict there is no `{name}`."
    return Invalid(detail, [{"pointer": f"/{name}", "detail": detail}])
