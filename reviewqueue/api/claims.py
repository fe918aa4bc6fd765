"""Claims and verdicts over HTTP, for custom review tools.

A `review` key acts for a person. The body of the first call names them; after that, the claim does.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviewqueue import http
from reviewqueue.accounts import roles
from reviewqueue.accounts.roles import Caller
from reviewqueue.api.serializers import (
    ClaimDocument,
    ClaimRequest,
    StrictSerializer,
    SubmittedDocument,
    VerdictRequest,
    serialize_claim,
)
from reviewqueue.kernel.errors import Invalid, NotFound
from reviewqueue.models import User
from reviewqueue.queue import lease
from reviewqueue.queue.claim import claim_next, release_claim, renew_claim
from reviewqueue.queue.lease import ClaimId, ClaimLost, ReviewKey
from reviewqueue.verdicts import submit, undo, validation

REVIEW_SCOPE = "review"
_ITEM_EXAMPLE = {
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
_CLAIM_EXAMPLE = OpenApiExample(
    "an answer-first item",
    value={
        "claim": "4711.1",
        "item": _ITEM_EXAMPLE,
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
_VERDICT_EXAMPLES = [
    OpenApiExample("agree", value={"verdict": "agree"}, request_only=True),
    OpenApiExample("another answer", value={"verdict": "correct", "answer": "billing"}, request_only=True),
    OpenApiExample(
        "another answer, with the error type",
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


def _problem_example(description: str, *, status: int, code: str, detail: str) -> OpenApiResponse:
    value = {"type": "about:blank", "title": "Conflict", "status": status, "code": code, "detail": detail}
    value["title"] = {403: "Forbidden", 404: "Not Found"}.get(status, "Conflict")
    return OpenApiResponse(
        response={"$ref": "#/components/schemas/Problem"},
        description=description,
        examples=[OpenApiExample(code, value=value)],
    )


_PROBLEM_RESPONSES: dict[Any, OpenApiResponse] = {
    (403, "application/problem+json"): _problem_example(
        "`not_a_member`, `missing_scope`; `forbidden` for a final say by somebody who is no longer a lead, and for "
        "undoing what the reviewer decided at the desk.",
        status=403,
        code="not_a_member",
        detail="This API key cannot act for eve: not an active reviewer of the stream 'intents'.",
    ),
    (404, "application/problem+json"): _problem_example(
        "`not_found`: it does not exist, or this API key has no access to it.",
        status=404,
        code="not_found",
        detail=lease.NOT_RESERVED_MESSAGE,
    ),
    (409, "application/problem+json"): _problem_example(
        "`claim_lost` (also while the reviewer has the item open at the desk), `item_withdrawn`, `verdict_exists`, "
        "`answer_first`, `final_say`, `verdict_final`, `too_many_claims`",
        status=409,
        code="claim_lost",
        detail="Your reservation ran out and someone else has taken the item.",
    ),
}
_NOTHING_CLAIMABLE = OpenApiResponse(description="There is nothing this reviewer can claim.")
_CLAIM_RELEASED = OpenApiResponse(description="Released.")
_VERDICT_RECORDED = OpenApiResponse(SubmittedDocument, description="Recorded.")
# A 200 has one of two bodies: the claim after a first answer, or the earlier verdict after a repeated one.
_REVEALED_OR_REPEATED = OpenApiResponse(
    ClaimDocument,
    description="After `answer`: the claim with the proposed answer. After a repeated verdict: the same body as 201.",
)


class ClaimListView(APIView):
    """`POST /queues/{queue}/claims`"""

    @extend_schema(
        operation_id="claim",
        description="Reserve the next item for a reviewer. Always a new item; a reviewer can hold at most ten.",
        request=ClaimRequest,
        responses={201: ClaimDocument, 204: _NOTHING_CLAIMABLE, **_PROBLEM_RESPONSES},
        examples=[OpenApiExample("for rob", value={"reviewer": "rob"}, request_only=True), _CLAIM_EXAMPLE],
    )
    def post(self, request: Request, queue: str) -> Response:
        caller = http.require_caller(request, REVIEW_SCOPE, queue=queue)
        person = roles.resolve_reviewer(caller, _validate_body(ClaimRequest, request).get("reviewer"), queue)
        claim = claim_next(user=person, slug=queue, resume=False, key=_review_key(caller))
        return Response(status=204) if claim is None else Response(serialize_claim(claim), status=201)


class ClaimView(APIView):
    """`DELETE /claims/{claim}`"""

    @extend_schema(
        operation_id="release",
        description="Return the item to the queue.",
        responses={204: _CLAIM_RELEASED, **_PROBLEM_RESPONSES},
    )
    def delete(self, request: Request, claim: str) -> Response:
        person, key = _resolve_person(request, claim)
        release_claim(claim_id=claim, user=person, key=key)
        return Response(status=204)


class ClaimRenewalView(APIView):
    """`POST /claims/{claim}/renewal`"""

    @extend_schema(
        operation_id="renew",
        description="Extend the reservation to the queue's full reservation time from now.",
        request=None,
        responses={200: ClaimDocument, **_PROBLEM_RESPONSES},
        examples=[_CLAIM_EXAMPLE],
    )
    def post(self, request: Request, claim: str) -> Response:
        person, key = _resolve_person(request, claim)
        return Response(serialize_claim(renew_claim(claim_id=claim, user=person, key=key)))


class ClaimVerdictView(APIView):
    """`POST /claims/{claim}/verdict`"""

    @extend_schema(
        operation_id="submit_verdict",
        description=(
            "Submit a verdict. On an answer-first claim, send `answer` first; the response shows the proposed answer. "
            "A final say on answers that differ needs a `reason`; without one the response is 400 with the pointer "
            "`/reason`."
        ),
        request=VerdictRequest,
        responses={201: _VERDICT_RECORDED, 200: _REVEALED_OR_REPEATED, **_PROBLEM_RESPONSES},
        examples=_VERDICT_EXAMPLES,
    )
    def post(self, request: Request, claim: str) -> Response:
        (person, key), body = _resolve_person(request, claim), _validate_body(VerdictRequest, request)
        kind, instead = body.pop("verdict"), body.pop("instead", None)
        if kind == validation.ANSWER_KIND:
            revealed = submit.submit_first_answer(
                claim_id=claim,
                user=person,
                kind=instead or validation.ANSWER_KIND,
                answer=_require_only_answer(body),
                key=key,
            )
            return Response(serialize_claim(revealed))
        if instead is not None:
            raise _unexpected_field("instead")
        submitted = submit.submit_verdict(claim_id=claim, user=person, kind=kind, key=key, **body)
        document = {"id": str(submitted.id), "final_at": submitted.final_at}
        return Response(document, status=200 if submitted.repeated else 201)


class VerdictView(APIView):
    """`DELETE /verdicts/{id}`"""

    @extend_schema(
        operation_id="undo_verdict",
        description="Undo a verdict before it is final; the item is reserved for the same reviewer again.",
        responses={200: ClaimDocument, **_PROBLEM_RESPONSES},
        examples=[_CLAIM_EXAMPLE],
    )
    def delete(self, request: Request, verdict: int) -> Response:
        caller = http.require_caller(request, REVIEW_SCOPE)
        author = submit.find_author(verdict)
        if author is None or not caller.allows_queue(author.queue):
            raise NotFound("This verdict does not exist.")
        person = caller.acts_as or roles.resolve_reviewer(caller, author.username, author.queue)
        undone = undo.undo_verdict(verdict_id=verdict, user=person, key=_review_key(caller))
        return Response(serialize_claim(undone))


def _review_key(caller: Caller) -> ReviewKey:
    return ReviewKey(id=caller.key_id, name=caller.name)


def _resolve_person(request: Request, claim: str) -> tuple[User, ReviewKey]:
    """The person the key acts for on this claim, and the key: the person it was created for, else the claim's holder.

    Whether that person may still act on the claim is checked by the domain.
    """
    caller = http.require_caller(request, REVIEW_SCOPE)
    holder = lease.find_holder(ClaimId.parse(claim))
    if not caller.allows_queue(holder.queue):
        raise lease.not_reserved_error()
    if caller.acts_as is not None:
        return caller.acts_as, _review_key(caller)
    if holder.username is None:
        raise ClaimLost("This reservation ran out or was released. Claim the next item.")
    return roles.resolve_reviewer(caller, holder.username, holder.queue), _review_key(caller)


def _validate_body(form: type[StrictSerializer], request: Request) -> dict[str, Any]:
    checked = form(data=request.data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def _require_only_answer(body: dict[str, Any]) -> Any:
    for name in ("reason", "note", "error_type", "active_seconds"):
        if name in body:
            raise _unexpected_field(name)
    return body.get("answer")


def _unexpected_field(name: str) -> Invalid:
    detail = f"`{name}` is not allowed with this verdict. Remove it."
    return Invalid(detail, [{"pointer": f"/{name}", "detail": detail}])
