"""The guarantee in the browser: target, evaluation, threshold preview, evidence."""

from __future__ import annotations

import csv
import math
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from escalation import statistics
from escalation.guarantees import evaluations, group_results, guarantees, preparation, summary
from escalation.guarantees.population import Population
from escalation.models import ErrorTarget, Evaluation, GuaranteeWatch, Outcome, Policy, Route, Stream, TestItem
from escalation.policies import versions
from escalation.policies.spec import dump_spec
from escalation.simulation import daily_counts
from escalation.templatetags import figures
from escalation.views import guarantees as guarantees_module
from reviewqueue.accounts import api_keys
from reviewqueue.models import Queue, User
from tests.escalation.guarantees.test_evaluations import POLICY, honest
from tests.helpers import measured_recall, stream_history, stream_setup, traffic

TARGET = {"max_error_percent": "5", "confidence_level": "95", "groups": "together"}
CONFIRMED = {"confirmed": "yes"}
PAGE = "/streams/intents/guarantee/"
KNOWN = '{"input": {"text": "Hello"}, "prediction": "refund", "answer": "billing"}'


@pytest.fixture
def stream(queue: object) -> Stream:
    return traffic.apply_stream(policy={**POLICY, "threshold": 0.9999})


def _past(stream: Stream, count: int = 1500) -> None:
    stream_history.write_history(
        stream, *honest(count), since=timezone.now() - timedelta(days=9), span=timedelta(days=8)
    )
    daily_counts.refresh_counts()


def _guarantee(stream: Stream) -> Evaluation:
    """A guarantee in force: requested by mara, approved by max."""
    _set_target(stream)
    evaluation = evaluations.run_evaluation(stream, by="user:mara")
    made = guarantees.propose_certified_policy(evaluation=evaluation, actor="user:mara")
    stream_setup.ensure_managers()
    versions.approve_version(policy=made.policy, by="user:max")
    return evaluation


def _read(client: Client, page: str = PAGE) -> str:
    return client.get(page).content.decode().replace("\u00a0", " ")


def test_error_rates_are_hidden_until_a_target_is_set(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    client.force_login(mara)
    before = _read(client)
    assert "It begins with an error target." in before
    assert "Error rate (automated)" not in before
    assert client.get(f"{PAGE}preview/").status_code == 404
    client.post(f"{PAGE}target/", TARGET)
    target = ErrorTarget.objects.get()
    assert (target.max_error, target.delta) == (0.05, 0.05)
    assert "Error rate (automated)" in _read(client)


def test_a_guarantee_is_reached_by_clicking_and_takes_two(
    client: Client,
    stream: Stream,
    mara: User,
    max: User,  # noqa: A002
) -> None:
    _past(stream)
    client.force_login(mara)
    _set_target(stream)
    evaluation = evaluations.record_progress(stream)
    assert evaluation
    evidence = f"{PAGE}evidence/{evaluation.pk}/"
    assert evidence in _read(client, "/overview/").partition("Waiting for you")[2]
    assert "At most 5 % of automated decisions are wrong" in _read(client, evidence)
    policy = client.post(f"{evidence}policy/", {"reason": "measured"})["Location"]
    current = versions.find_active_policy(stream)
    assert current
    assert current.number == 1
    client.force_login(max)
    client.post(f"{policy}activation/", {})
    guarantee = guarantees.find_latest_guarantee(stream)
    assert guarantee
    assert guarantee.holds
    page = _read(client)
    assert "At most 5 % of automated decisions are wrong, with 95 % confidence." in page


def test_the_evidence_says_whether_its_guarantee_is_in_force(
    client: Client, stream: Stream, mara: User, otto: User
) -> None:
    _past(stream)
    client.force_login(mara)
    _set_target(stream)
    evidence = f"{PAGE}evidence/{evaluations.run_evaluation(stream, by='user:mara').pk}/"
    client.force_login(otto)
    assert "Not in force" in _read(client, evidence)
    stream_setup.ensure_managers()
    versions.approve_version(
        policy=guarantees.propose_certified_policy(evaluation=Evaluation.objects.get(), actor="user:mara").policy,
        by="user:max",
    )
    assert "In force since" in _read(client, evidence)
    _release(stream)
    page = _read(client, evidence)
    assert "No longer in force." in page
    assert "another version of the model" in page
    assert "guarantee-kept" not in page


def test_a_guarantee_shows_audits_since_and_when_audits_are_off(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    _guarantee(stream)
    client.force_login(mara)
    watch = GuaranteeWatch.objects.create(evaluation=Evaluation.objects.get(), seen=1, audits=214, wrong=3)
    page = _read(client)
    assert "from 214 audits" in page
    found = summary.build_guarantee_summary(stream)
    assert found
    assert found.error_range_since
    low, high = found.error_range_since
    assert 0 < low < 3 / 214 < high
    # At the upper end, the evidence against "at least so much" reaches 2 / doubt.
    assert found.reviewer_recall
    shown_end = high * found.reviewer_recall.low  # of the errors that reviewers find
    assert statistics.compute_log_evalue(214, [3], [1.0], shown_end) == pytest.approx(math.log(2 / 0.05))
    assert f"between {figures.rate(low)} and {figures.rate(high)}".replace("\u00a0", " ") in page
    assert "a rise in errors would go unnoticed" not in page
    assert "of automated outputs were wrong, twice what is guaranteed" in page
    assert "at most one in 2,000 audits" in page
    current = versions.find_active_policy(stream)
    assert current
    unchecked = versions.validate_spec({**dump_spec(current.spec), "audit": {"rate": 0.0, "mode": "after"}})
    version = versions.save_version(stream=stream, spec=unchecked, actor="user:mara")
    versions.activate_version(policy=version, by="user:mara", approved_by="user:max")
    assert "a rise in errors would go unnoticed" in _read(client)
    GuaranteeWatch.objects.filter(pk=watch.pk).update(alarmed_at=timezone.now(), seen=Evaluation.objects.get().last_id)
    assert "3 of 214 audits found an error" in _read(client)


def test_the_evidence_shows_the_counts_and_the_test_behind_it(client: Client, stream: Stream, otto: User) -> None:
    _past(stream)
    client.force_login(User.objects.create(username="mia", role="admin"))
    _set_target(stream)
    evaluation = evaluations.run_evaluation(stream, by="user:mara")
    evidence = f"{PAGE}evidence/{evaluation.pk}/"
    (group,) = evaluation.groups
    client.force_login(otto)
    page = _read(client, evidence)
    assert group["way"] == "anytime"
    assert f"({group['accepted']} - {group['wrong']}) * numpy.log1p(c * {evaluation.max_error!r}" in page
    assert f"At most {evaluation.max_error * 100:.4f} % of the outputs at or above the threshold are wrong" in page
    assert "it stays valid however often anybody looks" in page
    assert "Upper bound" not in page
    assert f"{group['delta'] * 100:.4f}" in page
    assert f">{group['accepted']:,}<" in page
    assert f">{group['wrong']:,}<" in page
    assert f"from <code>{evaluation.first_id}</code> to below <code>{evaluation.last_id}</code>" in page
    assert "Create policy version" not in page


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"max_error_percent": "0"}, "greater than or equal to 0.01"),
        ({"max_error_percent": "x"}, "Enter a number"),
        ({"confidence_level": "49"}, "greater than or equal to 50"),
        ({"confidence_level": "99.95"}, "less than or equal to 99.9"),
        ({"groups": "segments"}, "Required for groups by segment"),
        ({"groups": "nonsense"}, "not one of the available choices"),
    ],
)
def test_an_invalid_target_is_refused_with_a_reason(
    client: Client, stream: Stream, mara: User, change: dict[str, str], error: str
) -> None:
    client.force_login(mara)
    assert error in client.post(f"{PAGE}target/", TARGET | change, follow=True).content.decode()
    assert not ErrorTarget.objects.exists()


def test_a_refusal_says_what_it_would_take(client: Client, stream: Stream, mara: User) -> None:
    stream_history.write_history(
        stream, [0.9] * 60, [False] * 60, since=timezone.now() - timedelta(days=5), span=timedelta(days=4)
    )
    client.force_login(mara)
    _set_target(stream)
    page = _read(client)
    assert page.count("It takes about") == 1
    assert "at today’s traffic) if none of them, old or new, finds an error" in page  # noqa: RUF001
    assert evaluations.record_progress(stream) is None


def test_the_slider_shows_what_its_threshold_would_have_done(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    client.force_login(mara)
    _set_target(stream)
    everything = client.get(f"{PAGE}preview/", {"place": "0"}).content.decode()
    assert "<strong>100 %</strong>".replace(" ", "\u00a0") in everything
    for odd in ("999", "-1", "x", ""):
        assert client.get(f"{PAGE}preview/", {"place": odd}).status_code == 200


def test_the_numbers_behind_the_curve_can_be_downloaded(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    client.force_login(mara)
    _set_target(stream)
    rows = _numbers(client, f"{PAGE}thresholds.csv")
    assert (rows[0]["threshold"], rows[0]["automatic"]) == (0.0, 1500)
    for row in rows:
        above = Route.objects.filter(output__confidence__gte=row["threshold"])
        checks = above.filter(u__lt=0.5)
        wrong = checks.filter(output__outcome__wrong=True)
        found = [above.count(), checks.count(), wrong.count()]
        assert [row[name] for name in ("automatic", "checked", "wrong")] == found


def test_test_items_are_added_from_the_page(client: Client, stream: Stream, mara: User) -> None:
    traffic.post_and_route(stream, "ticket-1", now=timezone.now())
    client.force_login(mara)
    data = {"examples": KNOWN, **CONFIRMED}
    assert "1 test item added." in client.post(f"{PAGE}test-items/", data, follow=True).content.decode()
    assert TestItem.objects.count() == 1
    for bad in ("{", "[1]", '{"input": 1}'):
        client.post(f"{PAGE}test-items/", {"examples": bad, **CONFIRMED})
    assert TestItem.objects.count() == 1


def test_a_target_that_another_manager_changed_meanwhile_is_not_replaced(
    client: Client,
    stream: Stream,
    mara: User,
    max: User,  # noqa: A002
) -> None:
    _set_target(stream)
    client.force_login(mara)
    shown = {"shown": re.findall(r'name="shown" value="(\w+)"', _read(client))[0]}
    other = Client()
    other.force_login(max)
    other.post(f"{PAGE}target/", {**TARGET, **CONFIRMED, **shown, "max_error_percent": "1"})
    page = client.post(f"{PAGE}target/", {**TARGET, **CONFIRMED, **shown, "max_error_percent": "10"}, follow=True)
    assert "max changed the error target at" in page.content.decode()
    assert [target.max_error for target in ErrorTarget.objects.order_by("pk")] == [0.05, 0.01]


def test_replacing_a_target_asks_first_and_says_that_its_audits_no_longer_count(
    client: Client, stream: Stream, mara: User
) -> None:
    before = _set_target(stream)
    client.force_login(mara)
    changed = {**TARGET, "max_error_percent": "1"}
    page = client.post(f"{PAGE}target/", changed).content.decode()
    assert "audits of outputs received before it no longer count" in page
    assert ErrorTarget.objects.count() == 1
    client.post(f"{PAGE}target/", {**TARGET, "declared_audits": str(before.declared_audits)})
    assert ErrorTarget.objects.count() == 1, "the same target again is no change"
    client.post(f"{PAGE}target/", {**changed, **CONFIRMED})
    assert ErrorTarget.objects.count() == 2


def test_looser_thresholds_are_offered_until_one_of_two_tabs_proposes_them(
    client: Client, stream: Stream, mara: User
) -> None:
    _past(stream)
    _set_target(stream)
    client.force_login(mara)
    evaluation = evaluations.record_progress(stream)
    assert evaluation
    propose = f"{PAGE}evidence/{evaluation.pk}/policy/"
    (group,) = group_results.parse_group_results(evaluation)
    assert group.threshold
    assert f'action="{propose}"' in _read(client)
    assert f"allow a threshold of {figures.threshold_number(group.threshold)}." in _read(client)
    for _tab in range(2):
        page = client.post(propose, follow=True).content.decode()
        assert "a second person has to approve it" in page
    assert Policy.objects.count() == 2, "the second tab proposes the version of the first one"
    assert f'action="{propose}"' not in _read(client)


def test_the_page_says_how_many_audits_are_missing(client: Client, stream: Stream, mara: User) -> None:
    stream_history.write_history(
        stream, [0.9] * 100, [False] * 100, since=timezone.now() - timedelta(days=5), span=timedelta(days=4)
    )
    _set_target(stream)
    client.force_login(mara)
    audits = Route.objects.filter(u__lt=0.5).count()
    found = re.findall(r'<progress class="bar" max="(\d+)" value="(\d+)"\s+aria-label="Audits">', _read(client))
    assert found == [(str(_least_audits(stream)), str(audits))]


def _least_audits(stream: Stream) -> int:
    with pytest.raises(preparation.EvaluationRefused) as refused:
        preparation.prepare_evaluation(stream)
    least = refused.value.params["least"]
    assert isinstance(least, int)
    return least


def test_an_empty_stream_has_a_page(client: Client, stream: Stream, mara: User, otto: User) -> None:
    for who in (mara, otto):
        client.force_login(who)
        assert "No guarantee yet." in _read(client)


def test_the_number_of_queries_is_constant(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    _guarantee(stream)
    evaluations.record_progress(stream)  # the first evaluation after the line was begun keeps its counts
    traffic.post_and_route(stream, "ticket-1", now=timezone.now(), model="clf", model_version="1")
    client.force_login(mara)
    with_little = _queries(client)
    for _ in range(3):
        evaluations.run_evaluation(stream, by="user:mara")
        client.post(f"{PAGE}test-items/", {"examples": KNOWN, **CONFIRMED})
    stream_history.write_history(
        stream, *honest(200), since=timezone.now() - timedelta(days=1), span=timedelta(0), prefix="more"
    )
    daily_counts.refresh_counts()
    assert (Evaluation.objects.count(), TestItem.objects.filter(settled_at=None).count()) == (4, 3)
    assert _queries(client) == with_little


def _queries(client: Client) -> int:
    client.get(PAGE)  # fills the caches of the process
    with CaptureQueriesContext(connection) as asked:
        client.get(PAGE)
    return len(asked)


def test_the_report_and_the_lists_show_the_guarantee(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    client.force_login(mara)
    for page in ("/streams/", "/overview/"):
        assert "none yet" in _read(client, page)
    evaluation = _guarantee(stream)
    report = _read(client, "/streams/intents/report/")
    assert "At most 5 % of automated decisions are wrong, with 95 % confidence." in report
    assert f"/streams/intents/guarantee/evidence/{evaluation.pk}/" in report
    for page in ("/streams/", "/overview/", "/streams/intents/policies/"):
        assert "at most 5 % wrong" in _read(client, page)


def test_a_report_without_a_guarantee_says_what_it_takes(client: Client, stream: Stream, mara: User) -> None:
    stream_history.write_history(
        stream, [0.9] * 60, [False] * 60, since=timezone.now() - timedelta(days=5), span=timedelta(days=4)
    )
    client.force_login(mara)
    outlook = f"{PAGE}readiness/?short=1"
    assert outlook in _read(client, "/streams/intents/report/")
    assert _read(client, outlook).strip() == "No error target is set yet."
    _set_target(stream)
    assert "It takes about" in _read(client, outlook)


def test_an_ended_guarantee_is_not_shown_as_kept(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    _guarantee(stream)
    _release(stream)
    client.force_login(mara)
    for page in (PAGE, "/streams/intents/report/"):
        html = _read(client, page)
        assert "The last guarantee has ended." in html
        assert "It was for another version of the model." in html
        assert "guarantee-kept" not in html
    assert "ended" in _read(client, "/streams/")


def test_the_report_of_the_api_has_the_guarantee(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    _, key = api_keys.create_key(name="figures", scopes=["reports:read"], by=None)
    headers = {"Authorization": f"Bearer {key}"}
    read = "/api/v1/streams/intents/report"
    assert client.get(read, headers=headers).json()["guarantee"] is None
    evaluation = _guarantee(stream)
    report = client.get(read, headers=headers).json()
    guarantee, statement = report["guarantee"], report["statement"]
    (group,) = group_results.parse_group_results(evaluation)
    assert guarantee["in_force"] is True
    assert (guarantee["error_target"], guarantee["confidence_level"]) == (0.05, 0.95)
    assert guarantee["evidence"] == str(evaluation.pk)
    same = {"text": "claim", "ended": "ended", "policy": "policy", "since": "since", "valid_until": "valid_until",
            "audits_since": "checked_since", "errors_since": "wrong_since", "error_range_since": "range_since",
            "sent_to_review": "to_people", "assumes_perfect_reviewers": "assumes_perfect_reviewers"}  # fmt: skip
    assert {name: guarantee[name] for name in same} == {name: statement[old] for name, old in same.items()}
    assert guarantee["groups"] == [
        {
            "group": None,
            "threshold": group.threshold,
            "audits": group.accepted,
            "errors": group.wrong,
            "bound": evaluation.max_error,
            "confidence_level": pytest.approx(1 - group.delta),
            "threshold_if_none_missed": group.threshold_if_none_missed,
        }
    ]
    assert guarantee["reviewer_recall"] == evaluation.reviewer_recall
    assert (evaluation.reviewer_recall or {})["uploaded"] == measured_recall.ENOUGH_SHOWN


def test_a_version_shows_what_it_would_have_done(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    evaluation = _guarantee(stream)
    client.force_login(mara)
    page = "/streams/intents/policies/2/"
    plain = _read(client, page)
    assert f"/streams/intents/guarantee/evidence/{evaluation.pk}/" in plain
    assert "Newly automated" not in plain
    for shown in (_read(client, f"{page}?days=28"), _read(client, f"{page}replay/?days=28")):
        assert "Newly automated" in shown
        assert "of 1,500 outputs" in shown
    assert "Newly automated" not in _read(client, f"{page}replay/?days=4000")
    assert client.get("/streams/intents/policies/99/replay/?days=7").status_code == 404
    assert "its thresholds were set manually" in _read(client, "/streams/intents/policies/1/")


def test_the_slider_shows_parts_only_on_request(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    client.force_login(mara)
    _set_target(stream)
    assert "By answer and segment" not in _read(client, f"{PAGE}preview/?place=3")
    assert "By answer and segment" in _read(client, f"{PAGE}preview/?place=3&parts=on")


def test_the_calibration_file_matches_the_audits(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    client.force_login(mara)
    _set_target(stream)
    rows = _numbers(client, f"{PAGE}calibration.csv")
    assert sum(row["checked"] for row in rows) == Route.objects.filter(u__lt=0.5).count()
    for row in rows:
        sure = Q(output__confidence__gte=row["says_from"], output__confidence__lt=row["says_to"])
        checks = Outcome.objects.filter(sure, output__route__u__lt=0.5)
        n, right = checks.count(), checks.filter(wrong=False).count()
        low, high = statistics.compute_clopper_pearson(right, n, 0.05)
        assert [row[name] for name in ("checked", "right", "low", "high")] == pytest.approx([n, right / n, low, high])
        assert row["says_from"] < row["says"] < row["says_to"]


def _numbers(client: Client, file: str) -> list[dict[str, float]]:
    lines = client.get(file).content.decode().splitlines()
    return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]


def test_with_much_traffic_the_page_loads_before_audits_are_counted(
    client: Client, stream: Stream, mara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    _past(stream)
    client.force_login(mara)
    _set_target(stream)
    monkeypatch.setattr(guarantees_module, "MAX_INLINE_OUTPUTS", 100)
    page = _read(client)
    assert "Counting audits…" in page
    assert f'hx-get="{PAGE}readiness/"' in page
    assert "of outputs." in _read(client, f"{PAGE}readiness/").partition("Threshold that keeps the target")[2]


def test_a_version_shows_its_changes_and_whether_its_guarantee_holds(
    client: Client, stream: Stream, mara: User
) -> None:
    _past(stream)
    _guarantee(stream)
    client.force_login(mara)
    page = _read(client, "/streams/intents/policies/2/")
    assert "Changes compared with version 1" in page
    assert "99.99" in page, "the threshold it replaced"
    assert 'class="tag tag-bad">ended' not in page
    _release(stream)
    page = _read(client, "/streams/intents/policies/2/")
    assert 'class="tag tag-bad">ended' in page
    assert "another version of the model" in page


def _set_target(stream: Stream) -> ErrorTarget:
    """An error target from before the first output."""
    said_at = timezone.now() - timedelta(days=10)
    return measured_recall.set_error_target(
        stream=stream, max_error=0.05, declared_audits=450, actor="user:mara", now=said_at
    )


def _release(stream: Stream, outputs: int = 20) -> None:
    """Outputs of another model version, within the last hour."""
    since = timezone.now() - timedelta(hours=1)
    stream_history.write_history(
        stream,
        [0.9] * outputs,
        [False] * outputs,
        since=since,
        span=timedelta(minutes=1),
        prefix="new",
        model_version="2",
    )


def test_one_mistyped_model_version_is_announced_and_changes_nothing(
    client: Client, stream: Stream, mara: User
) -> None:
    _past(stream)
    _guarantee(stream)
    _release(stream, outputs=1)
    client.force_login(mara)
    page = _read(client)
    assert "Version clf 2 sent 1 output in the last 30 days: a typo or a release?" in page
    assert "guarantee-kept" in page
    assert guarantees.enforce_ended_guarantees() == []
    # It can still be looked at.
    other = Population("clf", "2", 1).key
    page = _read(client, f"{PAGE}?population={other}")
    assert "Only audits of clf 2 count." in page
    assert "No guarantee for clf 2." in page
    assert "The guarantee in force covers clf 1." in page
    assert "guarantee-kept" not in page
    assert "guarantee-kept" in _read(client, f"{PAGE}?population=nonsense")


def test_a_refusal_names_the_latest_model_version(client: Client, stream: Stream, mara: User) -> None:
    _past(stream)
    client.force_login(mara)
    _set_target(stream)
    assert "audits of clf" not in _read(client)
    _release(stream)
    page = _read(client)
    assert "20 of the latest 200 outputs come from other model versions" in page
    assert "Only audits of clf 1 count." in page


def test_streams_that_count_wrong_labels_are_offered_a_target_for_each_label_first(
    client: Client, queue: Queue, mara: User
) -> None:
    client.force_login(mara)
    for unit, proposed in (("output", "together"), ("label", "labels")):
        traffic.apply_stream(answers=["a", "b"], multiple=True, error_unit=unit)
        form = client.get("/streams/intents/guarantee/").context["target_form"]
        assert form["groups"].value() == proposed
        assert {value for value, _ in form.fields["groups"].choices} == {"together", "labels", "segments"}
