"""What goes wrong while other nights are judged again costs nothing of tonight's."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from contractcheck.errors import RecordingError
from contractcheck.model.judgement import Verdict
from contractcheck.simulator import Conditions, parse_change
from contractcheck.store.history import open_history
from contractcheck.workflows import watch_again
from contractcheck.workflows.record import RecordOptions
from contractcheck.workflows.run_archive import open_archive
from contractcheck.workflows.watch import WatchOptions, watch_target
from contractcheck.workflows.workspace import Workspace

REFUSING = (parse_change("refusals=0.6"),)


def night_of(day):
    return f"2026-03-{day:02d}"


class Watched:
    """A project with ten accepted nights, and a few later ones."""

    def __init__(self, root, provider):
        self.workspace, self.provider = Workspace(root), provider
        (self.suite,) = self.workspace.load_suites()
        self.target = self.suite.targets[0]
        self.store = str(root.with_name(f"{root.name}-archive"))

    def watch(self, day, *, changes=(), **options):
        self.provider.conditions = Conditions(night=night_of(day), time_scale=0.0, changes=changes)
        record = RecordOptions(base_url=self.provider.base_url)
        options = WatchOptions(night=night_of(day), record=record, **options)
        return watch_target(self.workspace, self.suite, self.target, options)

    def write(self, words, *values):
        with closing(sqlite3.connect(self.workspace.history)) as connection, connection:
            assert connection.execute(words, values).rowcount

    def said(self):
        with open_history(self.workspace.history, create=False) as history:
            return {one.night: one for one in history.judgements(self.suite.name, self.target.id)}

    def folder(self, day):
        run_id = self.said()[night_of(day)].run_id
        return self.workspace.runs.folder(self.suite.name, self.target, run_id)


@pytest.fixture(scope="module")
def kept(young_demo, tmp_path_factory, simulated):
    root = tmp_path_factory.mktemp("again") / "project"
    made = Watched(shutil.copytree(young_demo, root), simulated)
    for day in (11, 12, 13):
        made.watch(day, store=made.store)
    return made


@pytest.fixture
def watched(kept, tmp_path, simulated):
    made = Watched(shutil.copytree(kept.workspace.root, tmp_path / "project"), simulated)
    shutil.copytree(kept.store, made.store)
    return made


def damage_judgement(watched, day):
    watched.write(
        "UPDATE contractcheck_judgements SET document = x'ff' WHERE night = ?", night_of(day)
    )


def notes_of(report, words):
    return [note for note in report.notes if words in note]


def test_a_damaged_row_of_an_old_night_costs_nothing_of_tonights_report(watched):
    damage_judgement(watched, 11)
    report = watched.watch(14, store=watched.store)
    assert (report.night, report.verdict) == (night_of(14), Verdict.QUIET)
    assert report.exit_code == 4
    (note,) = notes_of(report, "not all judged again")
    assert "history rebuild" in note
    assert open_archive(watched.store).has(watched.suite.name, watched.target, report.run_id)


def test_a_red_night_stays_red_whatever_becomes_of_others(watched):
    watched.watch(14, changes=REFUSING)
    damage_judgement(watched, 11)
    report = watched.watch(15, changes=REFUSING)
    assert (report.verdict, report.exit_code) == (Verdict.FAIL, 1)
    assert notes_of(report, "not all judged again")


def test_an_interrupt_while_others_are_judged_finds_tonight_copied(watched, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    watched.watch(14)
    monkeypatch.setattr("contractcheck.workflows.watch.judge_outdated", interrupt)
    with pytest.raises(KeyboardInterrupt):
        watched.watch(14, store=watched.store)
    tonight = watched.folder(14)
    assert open_archive(watched.store).has(watched.suite.name, watched.target, tonight.name)


def test_what_was_judged_before_a_trouble_is_told_with_it(watched, monkeypatch):
    def damaged(*_):
        raise RecordingError("events of the history: damaged")

    watched.write("DELETE FROM contractcheck_judgements WHERE night = ?", night_of(12))
    monkeypatch.setattr(watch_again, "settle_events", damaged)
    report = watched.watch(14)
    assert report.exit_code == 4
    assert notes_of(report, "1 other night was judged again")
    assert notes_of(report, "events of the history: damaged")
