"""Schemathesis compares a running product with the published document: every check, and every operation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from escalation.models import Stream
from tests.contract.conftest import RunningProduct
from tests.helpers import stream_setup

pytestmark = pytest.mark.fault

HERE = Path(__file__).parent
# In CI few examples, and always the same; `make contract` takes many, and others each time.
EXAMPLES = ("--max-examples", os.environ.get("CONTRACT_EXAMPLES", "25"))
CHOICE = () if "CONTRACT_EXAMPLES" in os.environ else ("--generation-deterministic",)


def test_schemathesis_finds_no_difference(product: RunningProduct, tmp_path: Path) -> None:
    stream = Stream.objects.get(slug="intents")
    stream_setup.route_outputs(
        stream, *stream_setup.build_outputs(60), *stream_setup.build_outputs(3, first=61, confidence=0.9)
    )
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "--config-file", HERE / "schemathesis.toml"),
            *("run", f"{product.url}/api/v1/schema", "--header", f"Authorization: Bearer {product.key}"),
            *("--checks", "all", *EXAMPLES, *CHOICE, "--no-color"),
        ],
        cwd=tmp_path,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = "\n".join(line[:600] for line in done.stdout.splitlines())
    assert done.returncode == 0, f"{said[-8000:]}\n{done.stderr[-2000:]}"
