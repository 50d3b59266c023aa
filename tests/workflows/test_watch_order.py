"""Nights that are watched in whatever order end in the history of a calm year."""

import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from contractcheck.model.judgement import Verdict
from contractcheck.sampling import Bounds, RetryPolicy
from contractcheck.simulator import Conditions, parse_change
from contractcheck.store.history import open_history
from contractcheck.workflows import watch_again
from contractcheck.workflows.engine import open_engine
from contractcheck.workflows.history_rebuild import rebuild_history
from contractcheck.workflows.night_runs import night_key
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.run_archive import open_archive
from contractcheck.workflows.watch import WatchOptions, watch_target
from contractcheck.workflows.watch_judging import judge_on
from contractcheck.workflows.workspace import Workspace

ACCEPTED = 10
LATER = range(ACCEPTED + 1, ACCEPTED + 6)
CHANGED = LATER[1]
REFUSING = (parse_change("refusals=0.6"),)
ORDERS = [
    pytest.param((15, 13, 11, 14, 12), id="15 13 11 14 12"),
    *(
        pytest.param(order, id=" ".join(map(str, order)), marks=pytest.mark.calibration)
        for order in ((15, 14, 13, 12, 11), (13, 11, 15, 12, 14), (12, 14, 11, 13, 15))
    ),
]


def night_of(day):
    return f"2026-03-{day:02d}"


@dataclass
class Told:
    """What is told while others are judged again."""

    notices: list = field(default_factory=list)

    def update(self, tally):
        self.notices.append(tally.notice)


@dataclass
class Nights:
    """A project, and recordings of its later nights that it does not have yet."""

    root: Path
    later: dict = field(default_factory=dict)

    def __post_init__(self):
        self.workspace = Workspace(self.root)
        (self.suite,) = self.workspace.load_suites()
        self.target = self.suite.targets[0]
        self.of = self.suite.name, self.target.id

    def ask(self, provider, day, error_rate=0.0):
        provider.conditions = Conditions(
            night=night_of(day),
            time_scale=0.0,
            changes=REFUSING if day >= CHANGED else (),
            error_rate=error_rate,
        )
        bounds = Bounds(retry=RetryPolicy(attempts=1))
        return RecordOptions(base_url=provider.base_url, bounds=bounds)

    def record(self, provider, day):
        """Record a night as the watch would."""
        night = night_of(day)
        key = night_key(*self.of, night)
        run_id = f"{night.replace('-', '')}t000000z-{key}00000000"
        asked = replace(self.ask(provider, day), night=night, run_id=run_id)
        return record_run(self.workspace, self.suite, self.target, asked)

    def bring(self, day):
        """Have the recording of a night here, as if it had just been made."""
        folder = self.later[day]
        there = self.workspace.runs.folder(self.suite.name, self.target, folder.name)
        shutil.copytree(folder, there)
        return there

    def watch(self, day, progress=None, **options):
        options = WatchOptions(night=night_of(day), **options)
        return watch_target(self.workspace, self.suite, self.target, options, progress)

    def live(self, days):
        """Watch nights as they come."""
        reports = {}
        for day in days:
            self.bring(day)
            reports[day] = self.watch(day)
        return reports

    def digest(self):
        with open_history(self.workspace.history, create=False) as history:
            return history.digest()

    def said(self):
        with open_history(self.workspace.history, create=False) as history:
            return {one.night: one for one in history.judgements(*self.of)}

    def events(self):
        with open_history(self.workspace.history, create=False) as history:
            return [(event.night, event.kind) for event in history.events(*self.of)]


@pytest.fixture(scope="module")
def young(tmp_path_factory, young_demo, simulated):
    """A project with ten accepted nights, and recordings of later ones elsewhere."""
    root = tmp_path_factory.mktemp("young")
    made = Nights(shutil.copytree(young_demo, root / "project"))
    folders = [made.record(simulated, day) for day in LATER]
    (root / "later").mkdir()
    for folder in folders:
        shutil.move(folder, root / "later" / folder.name)
    return root


def with_later(root, young):
    return Nights(root, {int(one.name[6:8]): one for one in (young / "later").iterdir()})


@pytest.fixture
def make_nights(young, tmp_path):
    def make(name):
        return with_later(shutil.copytree(young / "project", tmp_path / name), young)

    return make


@pytest.fixture(scope="module")
def calm(young, tmp_path_factory):
    """The project after a year in order, and its reports."""
    root = shutil.copytree(young / "project", tmp_path_factory.mktemp("calm") / "project")
    made = with_later(root, young)
    return made, made.live(LATER)


def test_the_calm_year_has_something_to_tell(calm):
    made, _ = calm
    verdicts = {one.verdict for one in made.said().values()}
    assert {Verdict.FAIL, Verdict.QUIET} <= verdicts
    assert "alarm" in {kind for _, kind in made.events()}


@pytest.mark.parametrize("order", ORDERS)
def test_nights_in_any_order_end_in_the_same_history(make_nights, calm, order):
    made = make_nights("shuffled")
    made.live(order)
    assert made.events() == calm[0].events()
    assert made.said() == calm[0].said()
    assert made.digest() == calm[0].digest()


def changed_words(report):
    return [note for note in report.notes if "judged again" in note]


def test_a_night_that_is_filled_in_tells_of_itself_and_which_later_verdicts_changed(
    make_nights, calm
):
    made = make_nights("filled")
    made.live([11, 12, 14])
    before = made.said()[night_of(14)].verdict
    made.bring(13)
    told = Told()
    report = made.watch(13, told)
    assert told.notices == ["judging nights again: 1"]
    after = made.said()
    assert after[night_of(13)] == calm[0].said()[night_of(13)]
    assert (report.night, report.verdict) == (night_of(13), after[night_of(13)].verdict)
    (words,) = changed_words(report)
    now = after[night_of(14)].verdict
    assert words.startswith("1 later night was judged again")
    assert (f"{night_of(14)} {before.value} → {now.value}" in words) == (before is not now)
    assert changed_words(made.watch(13)) == []


def test_what_was_killed_before_later_nights_were_judged_again_is_finished_by_the_next_watch(
    make_nights, calm, monkeypatch
):
    made = make_nights("killed")
    made.live([12, 13, 14])
    made.bring(11)

    def killed(ground, run):
        if run.header.night == night_of(13):
            raise KeyboardInterrupt
        return judge_on(ground, run)

    with monkeypatch.context() as patch:
        patch.setattr(watch_again, "judge_on", killed)
        with pytest.raises(KeyboardInterrupt):
            made.watch(11)
    assert made.said()[night_of(13)].seen != calm[0].said()[night_of(13)].seen
    made.bring(15)
    (words,) = changed_words(made.watch(15))
    assert words.startswith("2 other nights were judged again")
    assert made.digest() == calm[0].digest()


def test_a_night_that_was_never_judged_is_judged_by_the_next_watch(make_nights, calm, monkeypatch):
    made = make_nights("unjudged")
    made.live([11])
    made.bring(12)
    with monkeypatch.context() as patch:
        patch.setattr("contractcheck.workflows.watch.judge_night", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            made.watch(12)
    made.live([13, 14, 15])
    assert made.digest() == calm[0].digest()


def _interrupt(*_):
    raise KeyboardInterrupt


def test_two_that_fill_in_at_once_leave_the_rest_to_each_other(make_nights, calm, monkeypatch):
    made, other = make_nights("one"), make_nights("two")
    shared = {"history": made.workspace.history}
    for place in (made, other):
        for day in LATER:
            place.bring(day)
    for day in (11, 13, 15):
        made.watch(day, **shared)

    def overtaken(ground, run):
        judged = judge_on(ground, run)
        if run.header.night == night_of(15) and not overtaken.by:
            overtaken.by = "another machine"
            other.watch(12, **shared)
        return judged

    overtaken.by = None

    monkeypatch.setattr(watch_again, "judge_on", overtaken)
    made.watch(14, **shared)
    assert overtaken.by
    assert made.digest() == calm[0].digest()


def test_later_nights_whose_recordings_are_gone_keep_what_was_said_and_are_named(
    make_nights, calm, tmp_path
):
    made = make_nights("gone")
    made.live([11, 13, 14])
    before = made.said()
    gone = made.workspace.runs.folder(made.suite.name, made.target, made.later[13].name)
    archive = open_archive(str(tmp_path / "archive"))
    archive.push(gone)
    shutil.rmtree(gone)
    made.bring(12)
    report = made.watch(12)
    assert any(f"not at hand (--store?): {night_of(13)}" in note for note in report.notes)
    assert made.said()[night_of(13)] == before[night_of(13)]
    made.bring(15)
    assert not any("not at hand" in note for note in made.watch(15).notes)
    made.watch(15, store=str(tmp_path / "archive"))
    assert not gone.exists()
    assert made.digest() == calm[0].digest()


def test_an_outage_that_is_made_good_later_is_in_the_nights_since(make_nights, simulated):
    made = make_nights("outage")

    def live(day, error_rate=0.0):
        return made.watch(day, record=made.ask(simulated, day, error_rate))

    out = [live(day, error_rate=float(day == CHANGED)) for day in (11, 12, 13)][1]
    assert out.verdict is Verdict.ERROR
    assert (night_of(12), "outage") in made.events()
    good = live(12)
    assert good.run_id != out.run_id
    assert changed_words(good)
    said, events = made.said(), made.events()
    assert (night_of(12), "outage") not in events
    with open_engine(None) as executor:
        rebuild_history(made.workspace, [made.suite], made.workspace.history, executor=executor)
    assert (made.said(), made.events()) == (said, events)
