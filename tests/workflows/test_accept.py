"""Accepting is all or nothing, and every refusal says why."""

from __future__ import annotations

import json

import pytest

from contractcheck.cassettes.reading import case_sizes_bytes
from contractcheck.errors import AcceptRefusedError, RecordingError


def refusal(project, *folders, **options):
    before = project.cassettes()
    with pytest.raises(AcceptRefusedError) as caught:
        project.accept(*folders, **options)
    assert project.cassettes() == before
    return str(caught.value)


def test_accepted_nights_are_kept_in_order_with_who_and_why(project):
    second, first = project.record(2), project.record(1)
    (baseline,) = project.accept(second, first, ticket="OPS-1", expires="2027-01-31")
    assert [n.statistics.night for n in baseline.nights] == ["2026-03-01", "2026-03-02"]
    assert baseline.reference_night == "2026-03-02"
    read = project.workspace.baselines.read("hello", baseline.target)
    assert read.nights[0].parts == baseline.nights[0].parts
    acceptance = read.nights[0].acceptance
    assert (acceptance.accepted_by, acceptance.reason) == ("me", "looked at")
    assert (acceptance.ticket, acceptance.expires) == ("OPS-1", "2027-01-31")

    kept = project.cassettes()
    project.accept(project.record(3))
    nights = {path: data for path, data in kept.items() if path.parent.name == "nights"}
    assert len(nights) == 2
    assert nights.items() <= project.cassettes().items()


def test_an_interrupted_run_is_refused(project):
    folder = project.record(1, max_requests=4)
    assert refusal(project, folder) == (
        f"{folder.name}: was interrupted; finish it with run --resume first"
    )


def test_a_partial_run_is_refused(project):
    folder = project.record(1, cases=["part"])
    partial, foreign = refusal(project, folder).splitlines()
    assert partial == f"{folder.name}: is partial: a baseline night has every case of the suite"
    assert foreign.startswith(
        f"{folder.name}: asked other requests than the suite does now (greet)"
    )


def test_a_run_of_another_request_is_refused(project):
    folder = project.record(1)
    project.write(content="Say something else.")
    assert refusal(project, folder) == (
        f"{folder.name}: asked other requests than the suite does now (greet); record it again "
        "with the suite as it is"
    )


def test_a_run_that_breaks_the_contract_as_it_is_now_is_refused(project):
    folder = project.record(1)
    project.write(checks="[{contains: zebra, mode: always}]")
    text = refusal(project, folder)
    assert text.startswith(f"{folder.name}: open breach: greet: contains:zebra failed 3 of 3 ")


def test_a_night_of_outage_is_refused(project):
    folder = project.record(1, error_rate=1.0)
    text = refusal(project, folder)
    assert text.startswith(f"{folder.name}: ERROR: could not measure: 6 of 6 requests failed")
    assert text.endswith("(at most 20% may fail)")


def test_a_night_counts_once(project):
    first, twin = project.record(1), project.record(1)
    assert f"is of the night of {first.name}, 2026-03-01; a night counts once" in (
        refusal(project, first, twin)
    )
    project.accept(first)
    for folder in (first, twin):
        assert refusal(project, folder) == (
            f"{folder.name}: night 2026-03-01 of hello is accepted already (run {first.name}); "
            "a night counts once"
        )


def test_naming_a_run_twice_accepts_it_once(project):
    folder = project.record(1)
    (baseline,) = project.accept(folder, folder)
    assert len(baseline.nights) == 1


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_reason_is_needed(project, reason):
    assert refusal(project, project.record(1), reason=reason) == (
        "--reason is empty; say why these nights are good"
    )


@pytest.mark.parametrize("expires", ["soon", "2027-13-01", "31.01.2027", ""])
def test_an_expiry_is_a_date(project, expires):
    assert refusal(project, project.record(1), expires=expires) == (
        f"--expires {expires!r} is not a date such as 2027-01-31"
    )


def test_an_expiry_is_kept_as_later_dates_are_compared_with_it(project):
    (made,) = project.accept(project.record(1), expires="20270131")
    assert made.nights[0].acceptance.expires == "2027-01-31"


def test_a_night_too_large_for_version_control_is_refused_with_what_helps(project):
    folder = project.record(1)
    sizes = case_sizes_bytes(folder)
    (largest,) = (case for case in sizes if sizes[case] == max(sizes.values()))
    most_mb = (max(sizes.values()) - 1) / (1 << 20)
    text = refusal(project, folder, max_cassette_mb=most_mb)
    assert text.startswith(f"{folder.name}: would put case files of more than 0.0 MB into version ")
    assert f" control: {largest} (0.0 MB); record the case with fewer samples" in text
    assert "store_prompts: hash" in text
    assert "--max-cassette-mb" in text
    project.accept(folder, max_cassette_mb=max(sizes.values()) / (1 << 20))
    assert project.cassettes()


def test_only_the_night_that_is_kept_whole_is_weighed(project):
    first, second = project.record(1), project.record(2)
    weights = [max(case_sizes_bytes(folder).values()) for folder in (first, second)]
    (baseline,) = project.accept(first, second, max_cassette_mb=weights[1] / (1 << 20))
    assert len(baseline.nights) == 2


def test_a_suite_that_is_gone_is_said(project):
    folder = project.record(1)
    project.write("other")
    (project.workspace.root / "suites/hello/suite.contract.yaml").unlink()
    assert refusal(project, folder) == f"{folder.name}: its suite 'hello' was not found"


def test_all_or_none_also_over_several_suites(project):
    project.write("other")
    good, bad = project.record(1), project.record(2, name="other", max_requests=1)
    refusal(project, good, bad)
    good_twin = project.record(1, name="other")
    twins = (good, good_twin, project.record(1, name="other"))
    assert "a night counts once" in refusal(project, *twins)
    assert {b.suite for b in project.accept(good, good_twin)} == {"hello", "other"}


def test_every_reason_against_every_run_is_told_at_once(project):
    runs = [project.record(1, max_requests=1), project.record(2, error_rate=1.0)]
    text = refusal(project, *runs)
    assert all(run.name in text for run in runs)


def test_a_case_that_left_the_suite_makes_no_run_incomplete(project):
    folder = project.record(1)
    path = project.workspace.root / "suites/hello/suite.contract.yaml"
    path.write_text(path.read_text().split("  - id: part")[0])
    (baseline,) = project.accept(folder)
    assert set(baseline.nights[0].statistics.cases) == {"greet"}


def test_a_baseline_that_was_edited_is_named(project):
    project.accept(project.record(1))
    (path,) = (project.workspace.root / "cassettes").rglob("nights/*.json")
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps(document))
    with pytest.raises(RecordingError, match="was edited after it was accepted"):
        project.accept(project.record(2))
