"""A client generated from the published document walks the README's loop against a running product."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from escalation import tasks
from tests.contract.conftest import RunningProduct
from tests.helpers import stream_setup

pytestmark = [pytest.mark.fault, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

PACKAGE = "generated_reviewqueue_client"
# Clients read NDJSON as text: the one thing that the generator leaves out.
EXPECTED_WARNINGS = {"Unsupported content type application/x-ndjson", "Unsupported content_type application/x-ndjson"}
TAGS = {
    "outputs": ("post_outputs", "get_output", "withdraw_output"),
    "decisions": ("read_decisions",),
    "labels_and_report": ("export_labels", "read_report"),
    "review": ("claim_item", "submit_verdict", "renew_claim", "release_claim", "undo_verdict"),
}


class GeneratedClient:
    """The generated package: `call` runs an operation, `make` makes one of its models from plain data."""

    def __init__(self, product: RunningProduct) -> None:
        self._models = importlib.import_module(f"{PACKAGE}.models")
        self._client = importlib.import_module(PACKAGE).AuthenticatedClient(base_url=product.url, token=product.key)
        self._modules = {
            name: importlib.import_module(f"{PACKAGE}.api.{tag}.{name}")
            for tag, names in TAGS.items()
            for name in names
        }

    def close(self) -> None:
        self._client.get_httpx_client().close()

    def make(self, model: str, /, **fields: Any) -> Any:
        return getattr(self._models, model).from_dict(fields)

    def call(self, operation: str, *arguments: Any, status: int, **options: Any) -> Any:
        """The parsed answer; its bytes where the generator parses none."""
        answer = self._modules[operation].sync_detailed(*arguments, client=self._client, **options)
        assert answer.status_code == status, answer.content
        return answer.content if answer.parsed is None else answer.parsed

    def is_a(self, value: Any, model: str) -> bool:
        return isinstance(value, getattr(self._models, model))


@pytest.fixture
def generated(product: RunningProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GeneratedClient]:
    config = tmp_path / "generator.json"
    config.write_text(json.dumps({"post_hooks": []}))  # no formatters
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--url", f"{product.url}/api/v1/schema"),
            *("--meta", "none", "--config", str(config), "--output-path", str(tmp_path / PACKAGE)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    said = [line.strip() for line in done.stdout.splitlines() if "nsupported" in line or "rror" in line]
    assert all(any(expected in line for expected in EXPECTED_WARNINGS) for line in said), done.stdout
    monkeypatch.syspath_prepend(str(tmp_path))
    client = GeneratedClient(product)
    yield client
    client.close()
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_a_generated_client_walks_the_whole_loop(generated: GeneratedClient) -> None:
    _post_and_follow(generated)
    _review(generated)
    _answer_first_and_undo(generated)
    tasks.sweep_settled()
    _read_results(generated)


def _output(generated: GeneratedClient, name: str, **fields: Any) -> Any:
    return generated.make("PostedOutput", **stream_setup.build_output(name, **fields))


def _post_and_follow(generated: GeneratedClient) -> None:
    full = {"scores": {"refund": 0.62}, "segment": {"language": "en"}, "context": {"since": 2019}, "value": 12.5}
    body = _output(generated, "ticket-1", **full, due_at="2026-11-23T12:00:00Z", metadata={"trace": "7"}, group="g")
    received = generated.call("post_outputs", "intents", body=body, status=202)
    assert (received.id, received.status, received.decision, received.route) == ("ticket-1", "received", None, None)
    known = generated.call("post_outputs", "intents", body=body, prefer="wait=5", status=200)
    assert (known.duplicate, known.status, known.reason) == (True, "in_review", "below_threshold")

    batch = [_output(generated, f"ticket-{n}", confidence=0.9) for n in (2, 3)]
    batch += [_output(generated, "ticket-1"), _output(generated, "ticket-4", confidence=None)]
    posted = generated.call("post_outputs", "intents", body=batch, prefer="wait=5", status=202).results
    assert [one.code for one in posted] == [202, 202, 409, 202]
    assert [generated.is_a(one, "BatchProblem") for one in posted] == [False, False, True, False]
    assert (posted[0].decision.answer, posted[0].decision.by) == ("refund", "model")
    assert posted[2].problem.code == "output_conflict"

    refused = generated.call("post_outputs", "intents", body=_output(generated, "x", prediction="refunds"), status=400)
    assert (refused.errors[0].pointer, "did you mean `refund`?" in refused.errors[0].detail) == ("/prediction", True)
    detail = generated.call("get_output", "intents", "ticket-1", status=200)
    assert [entry.text for entry in detail.history]
    withdrawn = generated.call("withdraw_output", "intents", "ticket-4", status=200)
    assert (withdrawn.status, withdrawn.decision.outcome) == ("withdrawn", "withdrawn")
    assert generated.call("get_output", "intents", "nobody", status=404).code == "not_found"


def _review(generated: GeneratedClient) -> None:
    request = generated.make("ClaimRequest", reviewer="rob")
    claim = generated.call("claim_item", "intents", body=request, status=201)
    assert (claim.item.reference, claim.item.input_) == ("ticket-1", {"text": "I was charged twice"})
    renewed = generated.call("renew_claim", claim.claim, status=200)
    assert renewed.expires_at >= claim.expires_at
    assert generated.call("release_claim", claim.claim, status=204) == b""
    claim = generated.call("claim_item", "intents", body=request, status=201)
    assert generated.call("claim_item", "intents", body=request, status=204) == b""
    path = claim.claim
    if claim.answer_first:
        first = generated.make("VerdictRequest", verdict="answer", answer="billing")
        claim = generated.call("submit_verdict", path, body=first, status=200)
    assert claim.item.proposal == "refund"
    verdict = generated.make("VerdictRequest", verdict="correct", answer="billing", note="see thread")
    recorded = generated.call("submit_verdict", path, body=verdict, status=201)
    again = generated.call("submit_verdict", path, body=verdict, status=200)
    assert again == recorded


def _answer_first_and_undo(generated: GeneratedClient) -> None:
    generated.call("post_outputs", "careful", body=_output(generated, "ticket-1"), prefer="wait=5", status=202)
    claim = generated.call("claim_item", "careful", body=generated.make("ClaimRequest", reviewer="rita"), status=201)
    assert (claim.answer_first, claim.revealed, "proposal" in claim.item.to_dict()) == (True, False, False)
    too_early = generated.call(
        "submit_verdict", claim.claim, body=generated.make("VerdictRequest", verdict="agree"), status=409
    )
    assert too_early.code == "answer_first"
    first = generated.make("VerdictRequest", verdict="answer", instead="none")
    revealed = generated.call("submit_verdict", claim.claim, body=first, status=200)
    assert (revealed.item.proposal, revealed.first_kind) == ("refund", "none")
    given = generated.call(
        "submit_verdict", claim.claim, body=generated.make("VerdictRequest", verdict="none"), status=201
    )
    again = generated.call("undo_verdict", int(given.id), status=200)
    assert again.claim != claim.claim


def _read_results(generated: GeneratedClient) -> None:
    seen, cursor = [], ""
    while items := (page := generated.call("read_decisions", "intents", after=cursor, limit=2, status=200)).items:
        seen += [(item.id, item.by.value, item.answer) for item in items]
        cursor = page.next_
    assert seen[-1] == ("ticket-1", "people", "billing")
    assert {"ticket-2", "ticket-3", "ticket-4"} <= {name for name, _, _ in seen}
    (label,) = map(json.loads, generated.call("export_labels", "intents", status=200).splitlines())
    labelled = generated.make("LabelledOutput", **label)
    assert (labelled.id, labelled.answer, labelled.wrong, labelled.additional_properties) == (
        "ticket-1",
        "billing",
        True,
        {},
    )
    report = generated.call("read_report", "intents", status=200)
    assert (report.throughput.received, report.throughput.decided_by_people, report.guarantee) == (4, 1, None)
    assert report.additional_properties == {}
