"""An accepted night stays in the archive, whoever accepted it and whoever prunes."""

import shutil
from dataclasses import replace
from datetime import date
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import read_header
from contractcheck.cli import cli
from contractcheck.errors import AcceptRefusedError, RecordingError, UsageError
from contractcheck.simulator import Conditions
from contractcheck.store.history import open_history
from contractcheck.store.remote import RemoteFiles
from contractcheck.workflows.accept import AcceptOptions
from contractcheck.workflows.archive_accepted import bring_run, mark_nights, secure_runs
from contractcheck.workflows.archive_names import ArchivedRun, read_names
from contractcheck.workflows.archive_prune import plan_archive_prune, prune_archive
from contractcheck.workflows.night_runs import night_record
from contractcheck.workflows.night_sampling import read_night
from contractcheck.workflows.rebase import accept_since
from contractcheck.workflows.record import RecordOptions
from contractcheck.workflows.retention import Retention
from contractcheck.workflows.run_archive import open_archive
from contractcheck.workflows.watch import WatchOptions, watch_target
from contractcheck.workflows.workspace import Workspace

ALL = Retention(keep_nights=0)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, make_project):
    """Six nights; 1 and 2 are accepted."""
    project = make_project(tmp_path_factory.mktemp("recorded"))
    project.accept(*[project.record(day) for day in range(1, 7)][:2])
    return project.workspace.root


@pytest.fixture(params=["folder", "s3"])
def archive(request, recorded, tmp_path_factory):
    """All six nights, as watches without marks left them."""
    if request.param == "folder":
        archive = open_archive(str(tmp_path_factory.mktemp("archive")))
    else:
        archive = open_archive(request.getfixturevalue("s3_url") + "/runs")
    for folder in Workspace(recorded).runs.root.glob("*/*/*"):
        archive.push(folder)
    return archive


@pytest.fixture
def local(recorded, tmp_path_factory):
    archive = open_archive(str(tmp_path_factory.mktemp("archive")))
    for folder in Workspace(recorded).runs.root.glob("*/*/*"):
        archive.push(folder)
    return archive


@pytest.fixture
def checkout(recorded, make_project, tmp_path_factory):
    """Makes checkouts of the commit that accepted nights 1 and 2, without or with the runs."""

    def make(*parts):
        root = tmp_path_factory.mktemp("checkout")
        for part in ("suites", "cassettes", *parts):
            shutil.copytree(recorded / part, root / part, dirs_exist_ok=True)
        return make_project(root)

    return make


RUNS = ".contractcheck/runs"


def folder_of(workspace, day):
    """Runs begun within one second have ids in no order: a run is chosen by its night."""
    folders = workspace.runs.root.glob("*/*/*")
    (folder,) = [one for one in folders if read_header(one).night == f"2026-03-{day:02}"]
    return folder


def run_of(archive, day):
    (run,) = [run for run in archive.list() if run.night == f"2026-03-{day:02}"]
    return run


def nights(runs):
    return sorted(run.night[-2:] for run in runs)


def prune(workspace, archive):
    return nights(prune_archive(workspace, archive, plan_archive_prune(workspace, archive, ALL)))


def test_a_night_accepted_in_one_checkout_outlives_a_prune_from_another(checkout, archive):
    branch, main = checkout(RUNS), checkout()
    late = run_of(archive, 3)
    branch.accept(branch.workspace.runs.find(late.run_id), archive=archive)
    choices = plan_archive_prune(main.workspace, archive, ALL)
    assert {choice.kept for choice in choices if choice.run == late} == {
        "marked as accepted elsewhere"
    }
    assert nights(prune_archive(main.workspace, archive, choices)) == ["04", "05", "06"]
    assert nights(archive.list()) == ["01", "02", "03"]


def test_a_night_accepted_after_the_plan_outlives_the_prune(checkout, archive):
    branch, main = checkout(RUNS), checkout()
    late = run_of(archive, 3)
    choices = plan_archive_prune(main.workspace, archive, ALL)
    branch.accept(branch.workspace.runs.find(late.run_id), archive=archive)
    assert nights(prune_archive(main.workspace, archive, choices)) == ["04", "05", "06"]


def watch(project, archive, day):
    night = f"2026-03-{day:02}"
    project.provider.conditions = Conditions(night=night, time_scale=0.0)
    suite = project.suite()
    options = WatchOptions(
        night=night,
        record=RecordOptions(base_url=project.provider.base_url),
        store=str(archive.files.base),
    )
    return watch_target(project.workspace, suite, suite.targets[0], options)


def test_what_was_accepted_without_an_archive_is_marked_by_the_next_watch(checkout, local):
    branch, main = checkout(RUNS), checkout()
    branch.accept(branch.workspace.runs.find(run_of(local, 3).run_id))
    assert local.contents().marks == frozenset()
    watch(branch, local, 7)
    marks = local.contents().marks
    assert marks == {run_of(local, day).mark for day in (1, 2, 3)}
    watch(branch, local, 7)
    assert local.contents().marks == marks
    assert prune(main.workspace, local) == ["04", "05", "06", "07"]


def test_a_watch_that_cannot_mark_judges_all_the_same_and_says_so(checkout, local, monkeypatch):
    main = checkout()
    put = RemoteFiles.put

    def refuse_marks(self, source, name):
        if name.endswith(".accepted"):
            raise RecordingError(f"{name}: no permission")
        put(self, source, name)

    monkeypatch.setattr(RemoteFiles, "put", refuse_marks)
    report = watch(main, local, 7)
    assert report.exit_code == 4
    assert any(".accepted: no permission" in note for note in report.notes)
    assert run_of(local, 7)


def test_a_night_whose_run_the_archive_never_had_is_not_marked(checkout, local):
    branch = checkout()
    local.remove(run_of(local, 2))
    mark_nights(local, branch.workspace.baselines.read("hello", branch.suite().targets[0]))
    assert local.contents().marks == {run_of(local, 1).mark}
    assert local.contents().missing == ()


def test_an_accepted_run_that_the_archive_lacks_is_put_there(checkout, local):
    branch = checkout(RUNS)
    late = run_of(local, 3)
    local.remove(late)
    branch.accept(branch.workspace.runs.find(late.run_id), archive=local)
    assert run_of(local, 3) == late
    assert local.contents().is_accepted(late)


def test_a_removal_between_the_mark_and_the_look_is_made_up_for(checkout, local, monkeypatch):
    """The order of the steps: marked first, looked for second."""
    branch = checkout(RUNS)
    late = run_of(local, 3)
    put = RemoteFiles.put

    def put_and_lose(self, source, name):
        put(self, source, name)
        if name == late.mark.name:
            local.remove(late)

    monkeypatch.setattr(RemoteFiles, "put", put_and_lose)
    branch.accept(branch.workspace.runs.find(late.run_id), archive=local)
    assert run_of(local, 3) == late


def test_nothing_is_accepted_while_the_archive_refuses(checkout, local, monkeypatch):
    branch = checkout(RUNS)
    before = branch.cassettes()

    def refuse(self, _source, name):
        raise RecordingError(f"{self.shown}/{name}: no permission")

    with monkeypatch.context() as refusing:
        refusing.setattr(RemoteFiles, "put", refuse)
        with pytest.raises(RecordingError, match=r"\.accepted: no permission"):
            accept(branch, "runs", run_of(local, 6), local)
    assert branch.cassettes() == before
    accept(branch, "runs", run_of(local, 6), local)
    assert local.contents().is_accepted(run_of(local, 6))


@pytest.mark.parametrize("way", ["runs", "since"])
def test_an_acceptance_that_was_cut_short_anywhere_is_made_up_for(
    checkout, recorded, tmp_path_factory, monkeypatch, way
):
    """An archive without the runs: each has to be marked and put there."""

    def empty():
        return open_archive(str(tmp_path_factory.mktemp("archive")))

    def points_of(project, archive, at=None):
        """Accept the last night; stop before the call to the archive of this number."""
        points = count(1)

        def counted(method):
            def call(self, *arguments):
                if next(points) == at:
                    raise KeyboardInterrupt
                return method(self, *arguments)

            return call

        with monkeypatch.context() as patched:
            for name in ("put", "names"):
                patched.setattr(RemoteFiles, name, counted(getattr(RemoteFiles, name)))
            accept(project, way, last, archive)
        return next(points) - 1

    source = empty()
    last = source.push(folder_of(Workspace(recorded), 6))
    whole, branch = empty(), checkout(RUNS)
    steps = points_of(branch, whole)
    wanted = whole.contents()
    assert wanted.is_accepted(last)
    for at in range(1, steps + 1):
        archive, branch = empty(), checkout(RUNS)
        before = branch.cassettes()
        with pytest.raises(KeyboardInterrupt):
            points_of(branch, archive, at)
        assert branch.cassettes() == before
        points_of(branch, archive)
        assert archive.contents() == wanted
    assert steps >= 4


def accept(project, way, run, archive):
    if way == "runs":
        project.accept(project.workspace.runs.find(run.run_id), archive=archive)
    else:
        suite = project.suite()
        options = AcceptOptions(reason="r", by="me", archive=archive)
        accept_since(project.workspace, suite, suite.targets[0], run.night, options)


def test_a_refused_run_is_not_marked(checkout, local):
    branch = checkout(RUNS)
    with pytest.raises(AcceptRefusedError, match="is accepted already"):
        accept(branch, "runs", run_of(local, 1), local)
    assert local.contents().marks == frozenset()


def test_nights_that_only_the_archive_has_are_fetched_to_begin_anew(checkout, local):
    laptop = checkout()
    accept(laptop, "since", run_of(local, 4), local)
    baseline = laptop.workspace.baselines.read("hello", laptop.suite().targets[0])
    assert [night.statistics.night[-2:] for night in baseline.nights] == [
        *("01", "02", "04", "05", "06")
    ]
    assert local.contents().marks == {run_of(local, day).mark for day in (4, 5, 6)}
    fetched = [folder.name for folder in laptop.workspace.runs.root.glob("*/*/*")]
    assert sorted(fetched) == sorted(run_of(local, day).run_id for day in (4, 5, 6))


def cut_short(archive, run):
    file = Path(archive.files.base) / run.name
    file.write_bytes(file.read_bytes()[:600])


def test_a_damaged_copy_that_nobody_needs_is_passed_over_and_named(checkout, local, monkeypatch):
    monkeypatch.delenv("CONTRACTCHECK_HISTORY", raising=False)
    laptop, bad = checkout(), run_of(local, 6)
    cut_short(local, bad)
    store = ("--store", str(local.files.base))
    done = do(laptop, "accept", "--since", "2026-03-05", *store, "--reason", "moved")
    assert done.exception is None, done.output
    assert "passed over: 2026-03-06: " in done.stderr
    assert bad.name in done.stderr
    assert local.contents().marks == {run_of(local, 5).mark}
    baseline = laptop.workspace.baselines.read("hello", laptop.suite().targets[0])
    assert baseline.rebases == ("2026-03-05",)


def test_a_damaged_copy_of_a_complete_night_is_not_passed_over(checkout, local, recorded):
    laptop, bad = checkout(), run_of(local, 5)
    suite = laptop.suite()
    with open_history(laptop.workspace.history) as history:
        for day in (4, 5, 6):
            run = read_night(folder_of(Workspace(recorded), day), suite)
            history.add_night(night_record(run.run, root=run.root), run.run.statistics)
    cut_short(local, bad)
    before = laptop.cassettes()
    with pytest.raises(AcceptRefusedError, match=r"since 2026-03-04 are not here: 2026-03-05"):
        accept(laptop, "since", run_of(local, 4), local)
    assert laptop.cassettes() == before
    assert local.contents().marks == frozenset()


def test_nights_of_which_no_copy_is_whole_begin_nothing(checkout, local):
    laptop = checkout()
    for day in (5, 6):
        cut_short(local, run_of(local, day))
    with pytest.raises(AcceptRefusedError) as refused:
        accept(laptop, "since", run_of(local, 5), local)
    assert all(run_of(local, day).name in str(refused.value) for day in (5, 6))


def test_an_era_of_nights_accepted_before_marks_them_all(checkout, local):
    branch = checkout()
    accept(branch, "since", run_of(local, 3), local)
    suite = branch.suite()
    before = local.contents().marks
    options = AcceptOptions(reason="r", by="me", archive=local)
    accept_since(branch.workspace, suite, suite.targets[0], "2026-03-05", options)
    assert local.contents().marks == before | {run_of(local, day).mark for day in (1, 2)}


def do(project, *words):
    arguments = [*words, "--root", str(project.workspace.root)]
    return CliRunner().invoke(cli, arguments, standalone_mode=False)


def test_a_laptop_accepts_what_lies_in_the_archive_alone(checkout, local, monkeypatch):
    laptop, run = checkout(), run_of(local, 3)
    monkeypatch.delenv("CONTRACTCHECK_HISTORY", raising=False)
    monkeypatch.setenv("CONTRACTCHECK_STORE", str(local.files.base))
    done = do(laptop, "accept", run.run_id, "--reason", "looked at")
    assert done.exception is None, done.output
    assert "3 accepted nights, 2026-03-01 … 2026-03-03" in done.stdout
    assert done.stderr == ""
    assert local.contents().is_accepted(run)


def test_a_beginning_means_one_run_wherever_it_lies(checkout, local):
    laptop = checkout()
    run = run_of(local, 3)
    longest = run.run_id[:-1]
    here = bring_run(laptop.workspace, local, longest)
    assert here.name == run.run_id
    assert bring_run(laptop.workspace, local, longest) == here
    assert bring_run(laptop.workspace, local, str(here)) == here
    assert bring_run(laptop.workspace, None, longest) == here
    with pytest.raises(UsageError, match=r"fits 1 runs here and 5 more in .*: 20.*more of the id"):
        bring_run(laptop.workspace, local, "2")
    for name in ("1999", "", "../x"):
        with pytest.raises(
            UsageError,
            match=r"no run '.*' below .* or in .*; `contractcheck runs` lists those here",
        ):
            bring_run(checkout().workspace, local, name)


def test_who_accepts_beside_a_shared_history_is_told_that_no_archive_knows(checkout, monkeypatch):
    branch = checkout(RUNS)
    monkeypatch.delenv("CONTRACTCHECK_STORE", raising=False)
    monkeypatch.setenv("CONTRACTCHECK_HISTORY", str(branch.workspace.history))
    run = folder_of(branch.workspace, 6)
    assert do(branch, "accept", run.name, "--reason", " ").stderr == ""
    done = do(branch, "accept", run.name, "--reason", "r")
    assert done.exception is None, done.output
    assert "note: no archive is named (--store)" in done.stderr


def test_an_accepted_run_that_is_gone_is_told_by_who_prunes(checkout, local):
    branch, main = checkout(RUNS), checkout()
    run = run_of(local, 3)
    branch.accept(branch.workspace.runs.find(run.run_id), archive=local)
    words = ["runs", "prune", "--store", str(local.files.base), "--keep-nights", "30"]
    done = do(main, *words)
    assert (done.return_value, done.stderr) == (0, "")
    assert f"keeps    {run.run_id}: marked as accepted elsewhere" in done.stdout
    local.remove(run)
    done = do(main, *words)
    assert done.return_value == 4
    assert f"missing  {run.run_id}: accepted, and not in {local.files.shown}" in done.stderr
    assert "unless it is being accepted right now" in done.stderr
    secure_runs(local, [])
    local.push(branch.workspace.runs.find(run.run_id))
    assert do(main, *words).return_value == 0


def test_what_other_projects_lack_in_a_shared_archive_is_theirs_to_tell(checkout, local):
    main = checkout()
    lost = run_of(local, 3).mark
    theirs = [replace(lost, suite="theirs"), replace(lost, folder="openai--other")]
    local.put_marks(theirs)
    words = ["runs", "prune", "--store", str(local.files.base), "--keep-nights", "30"]
    done = do(main, *words)
    assert done.exception is None, done.output
    assert done.return_value == 0
    (note,) = done.stderr.splitlines()
    assert note.startswith("note: 2 runs that others accepted are not in ")
    assert "remove" not in note
    assert local.contents().marks == set(theirs)
    local.put_marks([replace(lost, run_id="20260101t000000z-aa")])
    done = do(main, *words)
    assert done.return_value == 4
    assert [line[:7] for line in done.stderr.splitlines()] == ["missing", "note: 2"]


part = st.builds(str.__add__, st.sampled_from("abcz"), st.text("abcz019", min_size=1, max_size=8))
hexadecimal = st.binary(min_size=32, max_size=32).map(bytes.hex)
archived = st.builds(
    ArchivedRun,
    suite=part,
    folder=part,
    run_id=st.builds("{:%Y%m%d}t021500z-{}".format, st.dates(date(1999, 1, 1)), part),
    night=st.none() | st.dates().map(str),
    root=hexadecimal,
    size_bytes=st.integers(0, 1 << 40),
)
few = st.lists(archived, max_size=5)


@settings(max_examples=20)
@given(few, few, st.lists(st.text(), max_size=5))
def test_names_say_what_they_were_made_of(runs, accepted, others):
    sizes = {run.name: run.size_bytes for run in runs}
    sizes |= {run.mark.name: 1 for run in accepted} | dict.fromkeys(others, 5)
    sizes |= {f"{run.name}.part": 1 for run in runs}
    found = read_names(sizes)
    assert {run.name for run in found.runs} == {run.name for run in runs}
    assert found.marks == {run.mark for run in accepted}
    assert {mark.name for mark in found.missing} == {run.mark.name for run in accepted} - {
        run.mark.name for run in runs
    }
