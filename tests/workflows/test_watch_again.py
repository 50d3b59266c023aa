"""Other nights are judged again: why, from which recordings, and what a trouble costs."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from contractcheck.errors import RecordingError
from contractcheck.model.judgement import Verdict
from contractcheck.simulator import Conditions, parse_change
from contractcheck.store.history import open_history
from contractcheck.workflows import watch_again
from contractcheck.workflows.night_source import NightSource
from contractcheck.workflows.record import RecordOptions
from contractcheck.workflows.run_archive import RunArchive, open_archive
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

    def source(self):
        return NightSource(
            workspace=self.workspace,
            suite=self.suite.name,
            target=self.target,
            archive=open_archive(self.store),
        )

    def keys(self):
        with open_history(self.workspace.history, create=False) as history:
            keys = history.run_keys(self.suite.name, self.target.id)
        return {int(key.night[-2:]): key for key in keys}

    def forget(self, *days):
        """Have nothing said of some nights."""
        for day in days:
            words = "DELETE FROM contractcheck_judgements WHERE night = ?"
            self.write(words, night_of(day))

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

    watched.forget(12)
    monkeypatch.setattr(watch_again, "settle_events", damaged)
    report = watched.watch(14)
    assert report.exit_code == 4
    assert notes_of(report, "1 other night was judged again")
    assert notes_of(report, "events of the history: damaged")


def of_an_earlier_version(watched, day):
    """What an earlier version kept of a night: not by which runs it judged."""
    watched.write(
        "UPDATE contractcheck_judgements SET "
        "document = CAST(json_remove(CAST(document AS TEXT), '$.seen', '$.after') AS BLOB) "
        "WHERE night = ?",
        night_of(day),
    )


def test_why_nights_are_judged_again_is_told(watched):
    of_an_earlier_version(watched, 11)
    watched.forget(12)
    (note,) = notes_of(watched.watch(14), "judged again")
    assert "(judged by an earlier version: 1; never judged before: 1)" in note
    assert "by the suite, the accepted nights and the exemptions of today" in note
    assert f"{night_of(12)} not judged → " in note


@pytest.mark.parametrize("answer", [[], RecordingError("no route to host")])
def test_an_archive_is_listed_once_whatever_it_answers(watched, monkeypatch, answer):
    asked = []

    def listed(*_):
        asked.append(1)
        if isinstance(answer, Exception):
            raise answer
        return answer

    shutil.rmtree(watched.workspace.runs.root)
    monkeypatch.setattr(RunArchive, "list", listed)
    source = watched.source()
    words = {source.read(key, watched.suite) for key in watched.keys().values()}
    assert len(asked) == 1
    assert source.trouble == ("" if answer == [] else "no route to host")
    wanted = "not in the store" if answer == [] else "the store is out of reach"
    assert words == {f"not at hand; {wanted}"}


def test_a_store_out_of_reach_while_others_are_judged_is_told_once(watched, monkeypatch):
    def refuse(*_):
        raise RecordingError("no route to host")

    for day in (11, 12):
        shutil.rmtree(watched.folder(day))
    watched.forget(11, 12)
    monkeypatch.setattr("contractcheck.workflows.watch._Watch._copy", lambda _: None)
    monkeypatch.setattr("contractcheck.workflows.watch.mark_nights", lambda *_: None)
    monkeypatch.setattr(RunArchive, "list", refuse)
    report = watched.watch(14, store=watched.store)
    (note,) = notes_of(report, "no route to host")
    assert "wait for it" in note
    assert (report.verdict, report.exit_code) == (Verdict.QUIET, 4)


def damage_run(folder):
    next(folder.glob("*.jsonl.zst")).write_bytes(b"damaged")


def put_another(folder, other):
    shutil.rmtree(folder)
    shutil.copytree(other, folder)


def test_a_copy_in_the_store_stands_in_for_a_damaged_or_another_run_here(watched):
    wanted = watched.said()
    damage_run(watched.folder(11))
    put_another(watched.folder(12), watched.folder(13))
    watched.forget(11, 12)
    watched.watch(14)
    assert set(watched.said()) == set(wanted) - {night_of(11), night_of(12)} | {night_of(14)}
    watched.watch(14, store=watched.store)
    said = watched.said()
    assert {night: said[night] for night in wanted} == wanted


def test_words_say_what_is_wrong_with_a_recording(watched):
    keys = watched.keys()
    damage_run(watched.folder(11))
    put_another(watched.folder(12), watched.folder(13))
    shutil.rmtree(watched.folder(13))
    source = watched.source()
    source.archive = None
    assert {day: source.read(keys[day], watched.suite) for day in (11, 12, 13)} == {
        11: "damaged (--store?)",
        12: "not the one that was judged (--store?)",
        13: "not at hand (--store?)",
    }
    for run in open_archive(watched.store).list():
        if run.night == night_of(13):
            file = watched.workspace.root.parent / "project-archive" / run.name
            file.write_bytes(file.read_bytes()[:600])
    words = watched.source().read(keys[13], watched.suite)
    assert words == "not at hand; its copy in the store cannot be read"


def test_an_archived_run_of_another_root_is_not_fetched(watched, monkeypatch):
    def refuse(*_):
        raise AssertionError

    key = replace(watched.keys()[11], run_root="0" * 64)
    shutil.rmtree(watched.folder(11))
    monkeypatch.setattr(RunArchive, "fetch", refuse)
    assert watched.source().read(key, watched.suite) == "not at hand; not in the store"


def test_a_night_that_is_gone_meanwhile_is_passed_over(watched):
    again = watch_again.JudgedAgain()
    with open_history(watched.workspace.history) as history:
        nights = {night_of(12), night_of(29)}
        watch_again.judge_nights(watched.source(), watched.suite, history, nights, into=again)
    assert (set(again.nights), again.left) == ({night_of(12)}, {})
