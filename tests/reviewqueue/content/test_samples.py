"""Each content sample is shown by its own kind."""

from __future__ import annotations

from reviewqueue import content
from reviewqueue.answers import schema
from tests.helpers import content_samples
from tests.helpers.content_rendering import render_blocks

KINDS = {
    "arabic": ["text"],
    "hebrew": ["text"],
    "diff": ["text"],
    "digit": ["image"],
    "images": ["image", "text"],
    "table": ["fields", "table"],
    "candidates": ["prompt", "candidates"],
}


def test_every_sample_is_shown_by_its_renderer() -> None:
    for name, sample in content_samples.build_samples().items():
        blocks = content.build_blocks(sample.item["input"], sample.display)
        assert [block.kind for block in blocks] == KINDS.get(name, [name])
        assert render_blocks(sample.item["input"], display=sample.display)


def test_every_sample_proposes_an_answer_that_its_stream_allows() -> None:
    for sample in content_samples.build_samples().values():
        form = schema.build_answer_spec(answers=sample.answers or None, multiple=sample.multiple, schema=sample.schema)
        assert schema.normalize_answer(sample.item["proposal"], form) == sample.item["proposal"]
