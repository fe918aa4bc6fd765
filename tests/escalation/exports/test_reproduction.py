"""A reader finds a guarantee anew, with numpy and scipy alone, from what the product hands out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from django.test import Client

from escalation.guarantees import evaluations, group_results
from escalation.models import Outcome, Output, Stream
from reviewqueue.models import User
from tests.escalation.guarantees import test_fields, test_label_sets
from tests.escalation.guarantees.test_evaluations import honest
from tests.helpers import measured_recall, stream_history, traffic
from tests.helpers.stream_setup import Producer
from tests.helpers.traffic import NOON

LATER = NOON + timedelta(days=11)
SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "reproduce_guarantee.py"
POLICY: dict[str, Any] = {"threshold": 0.9, "audit": {"rate": 0.5, "mode": "after"}}


def _write_copies(stream: Stream) -> None:
    """Also copies, shadow outputs and answers that were not given blind."""
    stream_history.write_history(stream, *honest(4000))
    late = list(Output.objects.order_by("-pk")[:600].values_list("pk", flat=True))
    Output.objects.filter(pk__in=late[:200]).update(group="pages")
    Output.objects.filter(pk__in=late[200:400]).update(shadow=True)
    Outcome.objects.filter(output_id__in=late[400:408]).update(blind=False)


KINDS: dict[str, tuple[dict[str, Any], Callable[[Stream], None]]] = {
    "together": ({}, _write_copies),
    "fields": ({"answers": None, "schema": test_fields.SCHEMA}, lambda one: test_fields._write_documents(one, 3000)),
    "labels": ({"multiple": True}, lambda one: test_label_sets._write_sets(one, 4000)),
}


@pytest.mark.parametrize(
    ("groups", "declared"), [("together", 450), ("together", 5000), ("fields", 450), ("labels", 450)]
)
def test_a_guarantee_is_reproduced_from_the_exports(
    groups: str,
    declared: int,
    queue: object,
    client: Client,
    mara: User,
    holding: Callable[..., Producer],
    tmp_path: Path,
) -> None:
    options, write = KINDS[groups]
    stream = traffic.apply_stream(policy=POLICY, **options)
    measured_recall.set_error_target(
        stream=stream, max_error=0.05, groups=groups, declared_audits=declared, actor="user:mara", now=NOON
    )
    write(stream)
    evaluation = evaluations.run_evaluation(stream, by="user:mara", now=LATER)
    found = [
        [group.group, group.way, group.threshold, group.accepted, group.wrong]
        for group in group_results.parse_group_results(evaluation)
        if group.threshold is not None
    ]
    assert found
    client.force_login(mara)
    page = client.get(f"/streams/{stream.slug}/guarantee/evidence/{evaluation.pk}/", {"format": "json"})
    (tmp_path / "evaluation.json").write_bytes(page.content)
    export = holding("labels:read").get(f"streams/{stream.slug}/labels", include="checks")
    (tmp_path / "labels.jsonl").write_bytes(b"".join(cast("Iterable[bytes]", export)))
    assert _run_script(tmp_path) == found


def _run_script(folder: Path) -> list[Any]:
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), "evaluation.json", "labels.jsonl"],
        cwd=folder,
        capture_output=True,
        check=False,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]
