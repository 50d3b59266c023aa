"""Pruning frees room, and never takes what is needed or under way."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contractcheck.cassettes import create_run, read_header
from contractcheck.cassettes.run_lock import locked
from contractcheck.errors import RecordingError, UsageError
from contractcheck.redaction import Scrubber
from contractcheck.workflows.retention import PruneRule
from contractcheck.workflows.runs_prune import plan_prune, prune

ALL = PruneRule(keep=0)


def going(choices):
    return [choice.folder for choice in choices if choice.kept is None]


def leave_open(project, folder, *, age_s):
    header = replace(read_header(folder), id="20200101t000000z-open", ended_at=None)
    place = project.workspace.runs.folder(header.suite, header.target, header.id)
    create_run(place, header, Scrubber.for_secrets([])).close()
    part = place / "greet.jsonl.part"
    part.write_bytes(b"")
    then = time.time() - age_s
    for path in place.iterdir():
        os.utime(path, (then, then))
    return place, part


def test_a_plan_removes_nothing(project):
    folder = project.record(1)
    assert going(plan_prune(project.workspace, ALL)) == [folder]
    assert folder.is_dir()


def test_what_the_plan_lets_go_is_removed_and_nothing_else(project):
    first, second, third = (project.record(day) for day in (1, 2, 3))
    choices = plan_prune(project.workspace, PruneRule(keep=1))
    newest = max((first, second, third), key=lambda folder: folder.name)
    assert prune(project.workspace, choices) == tuple(going(choices))
    assert [f for f in (first, second, third) if f.exists()] == [newest]
    assert not (project.workspace.root / ".contractcheck" / "trash").exists()


def test_an_accepted_night_stays_whatever_is_asked(project):
    accepted, other = project.record(1), project.record(2)
    project.accept(accepted)
    choices = plan_prune(project.workspace, ALL)
    assert going(choices) == [other]
    assert {c.kept for c in choices if c.folder == accepted} == {
        "accepted as a night of a baseline"
    }


def test_a_night_that_was_accepted_after_the_plan_stays(project):
    folder = project.record(1)
    choices = plan_prune(project.workspace, ALL)
    project.accept(folder)
    assert going(choices) == [folder]
    assert prune(project.workspace, choices) == ()
    assert folder.is_dir()


def test_nothing_goes_when_a_baseline_is_damaged(project):
    folder = project.record(1)
    project.accept(project.record(2))
    (path,) = (project.workspace.root / "cassettes").rglob("baseline.json")
    choices = plan_prune(project.workspace, ALL)
    path.write_text("{")
    with pytest.raises(RecordingError, match=r"baseline\.json"):
        plan_prune(project.workspace, ALL)
    with pytest.raises(RecordingError, match=r"baseline\.json"):
        prune(project.workspace, choices)
    assert folder.is_dir()


def test_the_newest_two_of_each_suite_and_target_stay_by_default(project):
    folders = sorted((project.record(day) for day in (1, 2, 3)), key=lambda folder: folder.name)
    choices = plan_prune(project.workspace, PruneRule(older_than_days=0))
    assert going(choices) == folders[:1]


def test_age_counts_from_the_start_of_a_run(project):
    folder = project.record(1)
    rule = PruneRule(older_than_days=90, keep=0)
    started = datetime.fromisoformat(read_header(folder).started_at)
    early, late = started + timedelta(days=89), started + timedelta(days=90)
    (kept,) = plan_prune(project.workspace, rule, now=early)
    assert kept.kept == "younger than 90 days"
    (gone,) = plan_prune(project.workspace, rule, now=late.astimezone(UTC))
    assert gone.kept is None


def test_an_open_run_that_was_written_to_of_late_stays(project):
    place, _ = leave_open(project, project.record(1), age_s=3600)
    (kept,) = (c for c in plan_prune(project.workspace, ALL) if c.folder == place)
    assert kept.kept.startswith("open, and written to")


def test_an_open_run_that_somebody_records_stays(project):
    place, _ = leave_open(project, project.record(1), age_s=1e7)
    assert place in going(plan_prune(project.workspace, ALL))
    with locked(place):
        assert place not in going(plan_prune(project.workspace, ALL))


def test_a_damaged_run_stays(project):
    folder = project.record(1)
    (folder / "manifest.json").write_text("{")
    (choice,) = plan_prune(project.workspace, ALL)
    assert choice.kept == "damaged; `contractcheck runs verify` says how"


def test_a_folder_outside_the_store_is_not_touched(project, tmp_path):
    folder = project.record(1)
    (choice,) = plan_prune(project.workspace, ALL)
    elsewhere = tmp_path / "elsewhere" / folder.name
    elsewhere.parent.mkdir()
    folder.rename(elsewhere)
    with pytest.raises(UsageError, match="is no run of this project"):
        prune(project.workspace, [replace(choice, folder=elsewhere)])
    assert elsewhere.is_dir()


def test_a_link_in_the_store_is_not_followed(project, tmp_path):
    folder = project.record(1)
    link = folder.with_name("20200101t000000z-link")
    target = tmp_path / "precious"
    folder.rename(target)
    link.symlink_to(target)
    assert plan_prune(project.workspace, ALL) == ()
