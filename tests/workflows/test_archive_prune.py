"""Retention never takes an accepted night, nor what this project cannot judge."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contractcheck.errors import RecordingError, UsageError
from contractcheck.workflows.archive_prune import plan_archive_prune, prune_archive
from contractcheck.workflows.retention import Retention
from contractcheck.workflows.run_archive import open_archive
from contractcheck.workflows.workspace import Workspace

ALL = Retention(keep_nights=0)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the nights below are kept, once they are made."""
    return tmp_path_factory.mktemp("filled") / "project"


@pytest.fixture
def filled(project, kept):
    """Nights 1 and 2 are accepted, 3 to 6 are not; all are archived."""
    if not kept.exists():
        made = type(project)(kept, project.provider)
        folders = [made.record(day) for day in range(1, 7)]
        made.accept(*folders[:2])
        for folder in folders:
            open_archive(str(kept / "archive")).push(folder)
    shutil.copytree(kept, project.workspace.root, dirs_exist_ok=True)
    return project


@pytest.fixture
def archive(filled):
    return open_archive(str(filled.workspace.root / "archive"))


def nights(runs):
    return sorted(run.night[-2:] for run in runs)


def going(choices):
    return nights(choice.run for choice in choices if choice.kept is None)


def test_a_plan_removes_nothing_and_leaves_accepted_nights_whatever_is_asked(filled, archive):
    choices = plan_archive_prune(filled.workspace, archive, ALL)
    assert going(choices) == ["03", "04", "05", "06"]
    kept = {choice.run.night[-2:]: choice.kept for choice in choices if choice.kept}
    assert kept == dict.fromkeys(["01", "02"], "accepted as a night of a baseline")
    assert len(archive.list()) == 6


def test_what_goes_is_gone_and_the_rest_can_still_be_fetched(filled, archive, tmp_path):
    choices = plan_archive_prune(filled.workspace, archive, Retention(keep_nights=2))
    assert nights(prune_archive(filled.workspace, archive, choices)) == ["03", "04"]
    assert nights(archive.list()) == ["01", "02", "05", "06"]
    for run in archive.list():
        archive.fetch(run, tmp_path / "elsewhere")
    assert prune_archive(filled.workspace, archive, choices) == tuple(
        choice.run for choice in choices if choice.kept is None
    )


def test_a_run_must_be_old_as_well(filled, archive):
    rule = Retention(keep_nights=0, older_than_days=3)
    assert going(plan_archive_prune(filled.workspace, archive, rule)) == []
    later = datetime.now(UTC) + timedelta(days=4)
    assert len(going(plan_archive_prune(filled.workspace, archive, rule, now=later))) == 4


def test_a_night_that_was_accepted_since_the_plan_stays(filled, archive):
    choices = plan_archive_prune(filled.workspace, archive, ALL)
    late = next(choice.run for choice in choices if choice.kept is None)
    filled.accept(filled.workspace.runs.find(late.run_id))
    removed = prune_archive(filled.workspace, archive, choices)
    assert late not in removed
    assert late in archive.list()


def test_what_another_project_archived_stays(filled, archive, tmp_path):
    filled.write("other")
    folder = filled.record(9, name="other")
    archive.push(folder)
    choices = plan_archive_prune(filled.workspace, archive, ALL)
    (kept,) = [choice.kept for choice in choices if choice.run.suite == "other"]
    assert kept == "its baseline does not lie here"
    prune_archive(filled.workspace, archive, choices)
    assert [run.suite for run in archive.list("other")] == ["other"]


def test_without_any_baseline_nobody_knows_what_may_go(filled, archive, tmp_path):
    with pytest.raises(UsageError, match="nobody knows which nights are accepted"):
        plan_archive_prune(Workspace(tmp_path / "empty"), archive, ALL)
    choices = plan_archive_prune(filled.workspace, archive, ALL)
    shutil.rmtree(filled.workspace.baselines.root)
    with pytest.raises(UsageError, match="nobody knows"):
        prune_archive(filled.workspace, archive, choices)
    assert len(archive.list()) == 6


def test_a_damaged_baseline_forbids_everything(filled, archive):
    choices = plan_archive_prune(filled.workspace, archive, ALL)
    (path,) = filled.workspace.baselines.root.glob("*/*/baseline.json")
    path.write_bytes(path.read_bytes()[:-20])
    for act in (
        lambda: plan_archive_prune(filled.workspace, archive, ALL),
        lambda: prune_archive(filled.workspace, archive, choices),
    ):
        with pytest.raises(RecordingError):
            act()
    assert len(archive.list()) == 6


def test_a_run_whose_id_is_no_date_is_never_old(filled, archive):
    run = archive.list()[-1]
    file = Path(archive.files.base) / run.name
    file.rename(file.with_name(file.name.replace(run.run_id[:8], "20269999")))
    later = datetime.now(UTC) + timedelta(days=4)
    rule = Retention(keep_nights=0, older_than_days=3)
    choices = plan_archive_prune(filled.workspace, archive, rule, now=later)
    (odd,) = [choice for choice in choices if choice.run.run_id.startswith("20269999")]
    assert odd.kept == "younger than 3 days"
