"""Evaluating a line of evidence of 20,000 audits: anew, and after one more audit."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from benchmarks.measured import product, threshold_preview
from benchmarks.tables import milliseconds, percentile, show
from escalation.guarantees import certification, evaluations, lines, population, preparation, targets
from escalation.guarantees.sample import EvaluationSample
from escalation.guarantees.thresholds import THRESHOLDS
from escalation.models import CountedEvidence, ErrorTarget, Outcome, Output, Route, Stream, TestItem, output_id
from escalation.policies import versions
from escalation.streams import definition
from reviewqueue.kernel import clock

OUTPUTS = 200_000
TRIED = 20
TESTS = 100
ACTOR = "system:bench"
AIM = "aims: a whole evaluation under 300 ms, counting on under 5 ms"


def main() -> None:
    product.prepare()
    stream = _stream()
    threshold_preview.write_outputs(stream, 2_000 if product.quick() else OUTPUTS)
    target = _set_target(stream)
    evaluations.run_evaluation(stream, by=ACTOR)  # plans the line
    evaluations.record_progress(stream)  # counts it
    count = _counter(stream, target)
    audits = count().sampled
    counting_on = _timed(lambda: _add_audit(stream), count)
    sweep = _timed(lambda: _add_audit(stream), partial(evaluations.record_progress, stream))
    late = _timed(lambda: _answer_late(stream), count)
    anew = _timed(_forget, count)
    whole = _timed(_forget, partial(evaluations.record_progress, stream))
    prepared = preparation.prepare_evaluation(stream)
    show(
        f"{audits:,} audits of {OUTPUTS:,} outputs, {len(THRESHOLDS)} thresholds ({AIM})",
        ["what", "p50", "p95"],
        [
            _row("counting on after one more audit", counting_on),
            _row("the sweep after one more audit", sweep),
            _row("counting anew after a late answer", late),
            _row("counting anew, with the window", anew),
            _row("the sweep, counting anew", whole),
            _row("both tests along the grid, from counts", _timed(lambda: None, partial(_certify, prepared))),
        ],
    )


def _stream() -> Stream:
    description = {
        "slug": "evidence",
        "title": "Evidence",
        "answers": threshold_preview.CLASSES,
        "policy": {"threshold": 0.8, "audit": {"rate": threshold_preview.RATE}},
    }
    return definition.apply_definition(definition.parse_definitions({"streams": [description]})[0], actor=ACTOR).stream


def _set_target(stream: Stream) -> ErrorTarget:
    """A target from before the outputs, and test items since."""
    moment = clock.current_time() - timedelta(days=threshold_preview.DAYS)
    target = targets.set_error_target(stream=stream, max_error=0.05, actor=ACTOR, now=moment)
    TestItem.objects.bulk_create(
        TestItem(
            id=output_id.first_id_at(moment + timedelta(minutes=1)) + number, stream=stream, answer="class_1",
            prediction="class_2", schema_number=stream.schema_number, added_by=ACTOR, added_at=moment,
            settled_at=moment + timedelta(hours=1), caught=True,
        )
        for number in range(TESTS)
    )  # fmt: skip
    return target


def _counter(stream: Stream, target: ErrorTarget) -> Callable[[], EvaluationSample]:
    current, covered = versions.find_active_policy(stream), population.current_population(stream)
    assert current is not None
    assert covered is not None
    spec, first = current.spec, lines.count_declared_audits(target)
    return lambda: preparation.find_evidence(
        stream, target, covered, spec, first=first, keep=True, now=clock.current_time()
    )[1]


def _add_audit(stream: Stream) -> None:
    """One more output, audited and answered."""
    now, current = clock.current_time(), versions.find_active_policy(stream)
    assert current is not None
    output = Output.objects.create(
        id=output_id.first_id_at(now), stream=stream, external_id=str(now), model="clf", model_version="1",
        predicted="class_1", confidence=0.97, segment={}, schema_number=stream.schema_number, state="decided", size=300,
        received_at=now,
    )  # fmt: skip
    Route.objects.create(
        output=output, kind="auto", reason="above_threshold", policy_id=current.policy_id, eligible=True, released=True,
        audit="after", threshold=0.8, u=0.0, p=threshold_preview.RATE, pi=threshold_preview.RATE, routed_at=now,
    )  # fmt: skip
    Outcome.objects.create(
        output=output, stream=stream, label_id=output.pk, round=1, outcome="answered", answer="class_1",
        settled="class_1", wrong=False, overturned=False, blind=True, reviews=1, settled_at=now,
    )  # fmt: skip


def _answer_late(stream: Stream) -> None:
    """As if one of the counted audits had been overdue until now."""
    first = Outcome.objects.filter(stream=stream).order_by("pk").values_list("pk", flat=True).first()
    CountedEvidence.objects.update(unanswered=[first])


def _forget() -> None:
    CountedEvidence.objects.all().delete()


def _certify(prepared: preparation.PreparedEvaluation) -> None:
    counts, walks = prepared.counts_of(""), lines.read_walks(prepared.line, "")
    certification.certify_declared_counts(counts.tally_first(), walks, alpha=prepared.max_error, delta=0.03)
    certification.certify_anytime_counts(counts.tally(), walks, alpha=prepared.max_error, delta=0.02)


def _timed(before: Callable[[], object], work: Callable[[], object]) -> list[float]:
    taken = []
    for _ in range(TRIED):
        before()
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


def _row(name: str, taken: list[float]) -> list[str]:
    return [name, milliseconds(percentile(taken, 50)), milliseconds(percentile(taken, 95))]


if __name__ == "__main__":
    main()
