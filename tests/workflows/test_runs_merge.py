"""Shards of a night become one run; what is not one run is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.cassettes import create_run, is_sealed, read_run, seal_run
from contractcheck.errors import UsageError
from contractcheck.redaction import Scrubber
from contractcheck.workflows.runs_merge import merge_runs


def folders_of(project):
    return sorted(project.workspace.runs.root.glob("*/*/*"))


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write(project, run, run_id, *, keep=lambda _: True, **changes):
    """A sealed run with some of the exchanges of another."""
    header = replace(run.header, id=run_id, **changes)
    folder = project.workspace.runs.folder(header.suite, header.target, run_id)
    opened = create_run(folder, header, Scrubber.for_secrets([]))
    for exchange in filter(keep, run.exchanges):
        opened.append(exchange)
    opened.close()
    seal_run(folder, status="partial", ended_at="2026-03-01T04:00:00+00:00")
    return folder


def test_shards_by_case_make_the_whole_night(project):
    greet = project.record(1, cases=["greet"])
    part = project.record(1, cases=["part"])
    before = bytes_of(greet), bytes_of(part)
    merged = merge_runs(project.workspace, [part, greet], project.suite())
    run = read_run(merged)
    assert is_sealed(merged)
    assert run.header.status == "complete"
    assert run.header.night == "2026-03-01"
    assert set(run.header.cases) == {"greet", "part"}
    assert run.exchanges == (*read_run(greet).exchanges, *read_run(part).exchanges)
    assert (bytes_of(greet), bytes_of(part)) == before
    assert run.header.started_at == min(
        read_run(folder).header.started_at for folder in (greet, part)
    )
    project.accept(merged)


def test_shards_by_trial_make_one_run(project):
    whole = read_run(project.record(1))
    first = write(project, whole, "20260301t010000z-a", keep=lambda x: x.trial == 0)
    rest = write(project, whole, "20260301t010000z-b", keep=lambda x: x.trial > 0)
    merged = read_run(merge_runs(project.workspace, [first, rest], project.suite()))
    assert merged.exchanges == whole.exchanges
    assert merged.header.status == "complete"


def test_without_every_trial_of_the_suite_the_result_is_partial(project):
    whole = read_run(project.record(1))
    first = write(project, whole, "20260301t010000z-a", keep=lambda x: x.trial == 0)
    second = write(project, whole, "20260301t010000z-b", keep=lambda x: x.trial == 1)
    for suite in (project.suite(), None):
        merged = merge_runs(project.workspace, [first, second], suite)
        assert read_run(merged).header.status == "partial"


def test_another_vantage_of_a_shard_is_kept_visible(project):
    whole = read_run(project.record(1))
    a = write(
        project, whole, "20260301t010000z-a", keep=lambda x: x.trial == 0, vantage={"runner": "one"}
    )
    b = write(
        project, whole, "20260301t010000z-b", keep=lambda x: x.trial > 0, vantage={"runner": "two"}
    )
    merged = read_run(merge_runs(project.workspace, [a, b]))
    assert merged.header.vantage == {"runner": "one | two"}


def refused(project, folders):
    before = folders_of(project)
    with pytest.raises(UsageError) as caught:
        merge_runs(project.workspace, folders, project.suite())
    assert folders_of(project) == before
    return str(caught.value).splitlines()


def test_a_trial_that_two_runs_hold_is_refused_by_name(project):
    whole = read_run(project.record(1))
    a = write(project, whole, "20260301t010000z-a", keep=lambda x: x.trial < 2)
    b = write(project, whole, "20260301t010000z-b", keep=lambda x: x.trial > 0)
    assert refused(project, [a, b]) == [
        "20260301t010000z-a and 20260301t010000z-b: both hold trial 1 of greet",
        "20260301t010000z-a and 20260301t010000z-b: both hold trial 1 of part",
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"suite_version": "2.0.0"}, "different suite versions: 1.0.0 and 2.0.0"),
        ({"suite_fingerprint": "f"}, "different suite fingerprints"),
        ({"night": "2026-03-02"}, "different nights: 2026-03-01 and 2026-03-02"),
    ],
)
def test_what_was_not_asked_alike_is_refused(project, changes, words):
    whole = read_run(project.record(1))
    a = write(project, whole, "20260301t010000z-a", keep=lambda x: x.trial == 0)
    b = write(project, whole, "20260301t010000z-b", keep=lambda x: x.trial > 0, **changes)
    (line,) = refused(project, [a, b])
    assert words in line


def test_another_target_and_other_requests_are_refused(project):
    whole = read_run(project.record(1))
    a = write(project, whole, "20260301t010000z-a", keep=lambda x: x.trial == 0)
    plans = {c: replace(p, request_fingerprint="x") for c, p in whole.header.cases.items()}
    target = replace(whole.header.target, model="other")
    b = write(
        project, whole, "20260301t010000z-b", keep=lambda x: x.trial > 0, cases=plans, target=target
    )
    assert [line.partition(": ")[2] for line in refused(project, [a, b])] == [
        "different targets: openai:gpt-sim-mini-2026-03-01 and openai:other",
        "greet asked different requests",
        "part asked different requests",
    ]


def test_one_run_is_not_two(project):
    folder = project.record(1)
    assert refused(project, [folder, folder]) == [
        "merging needs two different runs; name all shards of the night"
    ]


def test_an_open_run_is_finished_first(project):
    folder = project.record(1)
    header = replace(read_run(folder).header, id="20260301t010000z-a")
    place = project.workspace.runs.folder(header.suite, header.target, header.id)
    create_run(place, header, Scrubber.for_secrets([]))
    (line,) = refused(project, [folder, place])
    assert line == f"{place.name}: still open; finish it with `contractcheck run --resume` first"
