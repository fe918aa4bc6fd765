"""Claims and verdicts over HTTP, for custom review tools.

A `review` key acts for a person. The body of the first call names them; after that, the claim does.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviewqueue import http
from reviewqueue.accounts import roles
from reviewqueue.accounts.roles import Caller
from reviewqueue.api import documents
from reviewqueue.api.serializers import serialize_claim
from reviewqueue.kernel import typed_input
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
    "asked": None,
    "kept": None,
}
_FIELDS_EXAMPLE = {
    **_ITEM_EXAMPLE,
    "reference": "invoice-2207",
    "queue": "invoices",
    "title": "Invoices",
    "question": "Is the invoice read correctly?",
    "kind": "structured",
    "answers": [],
    "schema": {
        "type": "object",
        "properties": {"supplier": {"type": "string"}, "total": {"type": "number"}},
        "required": ["supplier", "total"],
    },
    "input": {"text": "ACME Ltd. Total: EUR 119.00"},
    "error_types": [],
    "asked": ["/total"],
    "kept": {"supplier": "ACME Ltd."},
}
_CLAIM = {
    "claim": "4711.1",
    "item": _ITEM_EXAMPLE,
    "answer_first": True,
    "revealed": False,
    "first_kind": None,
    "first_answer": None,
    "final_say": False,
    "others": [],
    "expires_at": "2026-11-23T11:15:00Z",
}
_CLAIM_EXAMPLE = {
    "an answer-first item": _CLAIM,
    "an answer-first item that asks for one field": _CLAIM | {"claim": "4712.1", "item": _FIELDS_EXAMPLE},
}
_VERDICT_EXAMPLES = {
    "agree": {"verdict": "agree"},
    "another answer": {"verdict": "correct", "answer": "billing"},
    "another answer, with the error type": {
        "verdict": "correct",
        "answer": "billing",
        "error_type": "wrong account",
    },
    "the final say": {"verdict": "correct", "answer": "billing", "reason": "reviewer_error"},
    "answer first": {"verdict": "answer", "answer": "billing"},
    "the asked fields only": {"verdict": "correct", "answer": {"total": 119.0}},
    "ask the lead": {"verdict": "escalate", "reason": "guideline_gap"},
}
_RECORDED_EXAMPLE = {"recorded": {"id": "815", "final_at": "2026-11-23T11:00:30Z"}}
_TRIMMED_FIELDS = frozenset({"reviewer", "reason", "note", "error_type"})
_Operation = partial(http.ApiOperation, tag="Review", scope=REVIEW_SCOPE)
_describe_claim = partial(http.ApiAnswer, body=http.describe_body(documents.ClaimDocument), examples=_CLAIM_EXAMPLE)
_CLAIM_LINK = {"claim": "$response.body#/claim"}
_CLAIM_LINKS = dict.fromkeys(("submit_verdict", "renew_claim", "release_claim"), _CLAIM_LINK)
_MEMBER_PROBLEMS = {
    403: "`missing_scope`; `not_a_member`: the key cannot act for this person here; `forbidden`: a final say by "
    "somebody who is no longer a lead, or undoing what the reviewer decided at the desk",
}
_CLAIM_PROBLEMS = {
    **_MEMBER_PROBLEMS,
    409: "`claim_lost`: the reservation ran out or was released, or the reviewer has the item open at the desk; "
    "`item_withdrawn`",
}


class ClaimListView(APIView):
    """`POST /queues/{queue}/claims`"""

    @http.documented(
        _Operation(
            name="claim_item",
            summary="Claim an item",
            description="Reserve the next item for a reviewer. Always a new item; a reviewer can hold at most ten.",
            bodies={http.JSON: http.describe_body(documents.ClaimRequest)},
            examples={"for rob": {"reviewer": "rob"}},
            answers={
                201: _describe_claim("The item, reserved.", links=_CLAIM_LINKS),
                204: http.ApiAnswer("There is nothing this reviewer can claim."),
            },
            problems=_MEMBER_PROBLEMS | {409: "`too_many_claims`: the reviewer holds ten items"},
        )
    )
    def post(self, request: Request, queue: str) -> Response:
        caller = http.require_caller(request, REVIEW_SCOPE, queue=queue)
        person = roles.resolve_reviewer(caller, _validate_body(documents.ClaimRequest, request).get("reviewer"), queue)
        claim = claim_next(user=person, slug=queue, resume=False, key=_review_key(caller))
        return Response(status=204) if claim is None else Response(serialize_claim(claim), status=201)


class ClaimView(APIView):
    """`DELETE /claims/{claim}`"""

    @http.documented(
        _Operation(
            name="release_claim",
            summary="Release a claim",
            description="Return the item to the queue.",
            answers={204: http.ApiAnswer("Released.")},
            problems=_CLAIM_PROBLEMS,
        )
    )
    def delete(self, request: Request, claim: str) -> Response:
        person, key = _resolve_person(request, claim)
        release_claim(claim_id=claim, user=person, key=key)
        return Response(status=204)


class ClaimRenewalView(APIView):
    """`POST /claims/{claim}/renewal`"""

    @http.documented(
        _Operation(
            name="renew_claim",
            summary="Renew a claim",
            description="Extend the reservation to the queue's full reservation time from now.",
            answers={200: _describe_claim("The claim, renewed.")},
            problems=_CLAIM_PROBLEMS,
        )
    )
    def post(self, request: Request, claim: str) -> Response:
        person, key = _resolve_person(request, claim)
        return Response(serialize_claim(renew_claim(claim_id=claim, user=person, key=key)))


class ClaimVerdictView(APIView):
    """`POST /claims/{claim}/verdict`"""

    @http.documented(
        _Operation(
            name="submit_verdict",
            summary="Submit a verdict",
            description="On an answer-first claim, send `answer` first; the response shows the proposed answer. A "
            "final say needs a `reason`; without one the response is 400 with the pointer `/reason`. Where the item "
            "names `asked` fields, `answer` is either the whole object or these fields only: the other fields are "
            "taken from the proposed answer. An answer that changes one of the others is refused with 400 and a "
            "pointer to it. An asked field that is left out counts as empty.",
            bodies={http.JSON: http.describe_body(documents.VerdictRequest)},
            examples=_VERDICT_EXAMPLES,
            answers={
                201: http.ApiAnswer(
                    "Recorded.",
                    http.describe_body(documents.RecordedVerdict),
                    examples=_RECORDED_EXAMPLE,
                    links={"undo_verdict": {"verdict": "$response.body#/id"}},
                ),
                200: http.ApiAnswer(
                    "After `answer`: the claim with the proposed answer. After a repeated verdict: the same as 201.",
                    http.describe_body(documents.ClaimDocument, documents.RecordedVerdict),
                    examples=_CLAIM_EXAMPLE,
                ),
            },
            problems=_CLAIM_PROBLEMS
            | {
                409: "`claim_lost`, `item_withdrawn`, `verdict_exists`, `answer_first`, `final_say`: the claim cannot "
                "have this verdict, or not yet"
            },
        )
    )
    def post(self, request: Request, claim: str) -> Response:
        (person, key), body = _resolve_person(request, claim), _validate_body(documents.VerdictRequest, request)
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

    @http.documented(
        _Operation(
            name="undo_verdict",
            summary="Undo a verdict",
            description="Until it is final; the item is then reserved for the same reviewer again.",
            answers={200: _describe_claim("The claim on the item.")},
            problems=_MEMBER_PROBLEMS | {409: "`verdict_final`, `claim_lost`, `item_withdrawn`"},
        )
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


def _validate_body(form: type[msgspec.Struct], request: Request) -> dict[str, Any]:
    """The fields that were sent; remarks without blanks around them."""
    checked = typed_input.convert_input(request.data, form, subject="request")
    sent = {name: value for name, value in msgspec.structs.asdict(checked).items() if value is not UNSET}
    return sent | {name: sent[name].strip() for name in _TRIMMED_FIELDS & sent.keys()}


def _require_only_answer(body: dict[str, Any]) -> Any:
    for name in ("reason", "note", "error_type", "active_seconds"):
        if name in body:
            raise _unexpected_field(name)
    return body.get("answer")


def _unexpected_field(name: str) -> Invalid:
    detail = f"`{name}` is not allowed with this verdict. Remove it."
    return Invalid(detail, [{"pointer": f"/{name}", "detail": detail}])
