"""Forty scripted nights over real HTTP: three silent changes, one of our own, two outages."""

import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest

import contractcheck.workflows.demo
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.sampling import Bounds, RetryPolicy
from contractcheck.simulator import Conditions, Simulator, parse_change
from contractcheck.store.history import open_history
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.rebase import accept_since
from contractcheck.workflows.record import RecordOptions
from contractcheck.workflows.watch import WatchOptions, watch_target
from contractcheck.workflows.workspace import Workspace

ACCEPTED = 10
NIGHTS = 40
CHANGES = {
    14: ("refusals=0.4",),
    26: ("refusals=0.4", "json_format=0.6"),
    38: (),  # as silently as it came, all of it is gone
}
OUTAGES = {20, 33}
OUR_CHANGE = 45
DEMO = Path(contractcheck.workflows.demo.__file__).with_name("demo_suite")
BECAUSE = AcceptOptions(reason="the change was looked at, and is good", by="me")


def night_of(day):
    return (date(2026, 3, 1) + timedelta(days=day)).isoformat()


@dataclass
class Script:
    """What happened, night by night.

    Attributes:
        root: Project folder.
        reports: Report of each night.
        rebased: From the night of each alarm to the first night of its new era.
    """

    root: Path
    reports: list = field(default_factory=list)
    rebased: dict = field(default_factory=dict)

    def __post_init__(self):
        self.workspace = Workspace(self.root)
        self.load()

    def load(self):
        (self.suite,) = self.workspace.load_suites()

    def edit(self, old, new):
        path = Path(self.suite.path)
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        self.load()

    def watch(self, provider, day):
        suite = self.suite
        record = RecordOptions(
            base_url=provider.base_url, bounds=Bounds(retry=RetryPolicy(attempts=1))
        )
        options = WatchOptions(night=night_of(day), record=record)
        return watch_target(self.workspace, suite, suite.targets[0], options)

    def accept(self, *runs):
        folders = [self.workspace.runs.find(run) for run in runs]
        accept_runs(self.workspace, folders, [self.suite], BECAUSE)

    def live(self, provider, seed):
        changes = ()
        for day in range(ACCEPTED + NIGHTS):
            changes = CHANGES.get(day, changes)
            if day == OUR_CHANGE:
                self.edit("Two of the six mugs", "Three of the six mugs")
            provider.conditions = Conditions(
                night=night_of(day),
                seed=seed,
                time_scale=0.0,
                changes=tuple(map(parse_change, changes)),
                error_rate=1.0 if day in OUTAGES else 0.0,
            )
            self.reports.append(self.watch(provider, day))
            if day == ACCEPTED - 1:
                self.accept(*(report.run_id for report in self.reports))
            self.take_care_of(day)

    def take_care_of(self, day):
        """Accept a change that was told, and the first quiet nights after it."""
        report, suite = self.reports[day], self.suite
        drift = [f.since for f in report.findings if f.kind is FindingKind.DRIFT]
        if drift:
            made = accept_since(self.workspace, suite, suite.targets[0], min(drift), BECAUSE)
            self.rebased[day] = made.since
        baseline = self.workspace.baselines.read(suite.name, suite.targets[0])
        is_young = baseline is not None and baseline.rebases and len(baseline.eras[-1]) < 6
        if is_young and not drift and report.verdict is Verdict.QUIET:
            self.accept(report.run_id)


def lived(root, *, cases, seed):
    """A project that lived through the script, and the provider that it asked."""
    shutil.copytree(DEMO, root / "suites" / "demo-tickets")
    script = Script(root)
    head, *own = Path(script.suite.path).read_text().split("  - id: ")
    # How long this machine takes for an answer is no provider's doing.
    head = head.replace("margins: {ttft: 1.5x}", "margins: {ttft: 1000x, total: 1000x}")
    Path(script.suite.path).write_text("  - id: ".join((head, *own[:cases])))
    script.load()
    with Simulator(Conditions(night=night_of(0), time_scale=0.0)) as provider:
        script.live(provider, seed)
        script.rewatched = again(script, provider)
    return script


def again(script, provider):
    """Digest of the history before and after some nights were watched again, and requests."""
    asked = provider.request_count
    with open_history(script.workspace.history) as history:
        before = history.digest()
    for day in (3, 12, 24, 30, NIGHTS + ACCEPTED - 2, NIGHTS + ACCEPTED - 1):
        assert script.watch(provider, day).run_id == script.reports[day].run_id
    with open_history(script.workspace.history) as history:
        return before, history.digest(), provider.request_count - asked


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((4, 0), id="4 cases"),
        *(
            pytest.param((8, seed), id=f"8 cases, seed {seed}", marks=pytest.mark.calibration)
            for seed in range(1, 5)
        ),
    ],
)
def script(request, tmp_path_factory):
    cases, seed = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "any")
        return lived(tmp_path_factory.mktemp("forty"), cases=cases, seed=seed)


def days_with(script, verdict):
    return {day for day, report in enumerate(script.reports) if report.verdict is verdict}


def test_the_three_silent_changes_are_told_and_dated_right(script):
    assert len(script.rebased) == len(CHANGES)
    for began, since in zip(CHANGES, script.rebased.values(), strict=True):
        away = (date.fromisoformat(since) - date.fromisoformat(night_of(began))).days
        assert abs(away) <= 1, script.rebased


def test_nothing_else_is_called_a_change(script):
    alarms = days_with(script, Verdict.FAIL)
    assert alarms == set(script.rebased)
    for alarm, began in zip(sorted(alarms), CHANGES, strict=True):
        assert began <= alarm < began + 10, alarms


def test_outages_are_errors_and_no_other_night_is(script):
    assert days_with(script, Verdict.ERROR) == OUTAGES


def test_our_own_change_is_ours(script):
    for day, report in enumerate(script.reports[ACCEPTED:], ACCEPTED):
        ours = [f for f in report.findings if f.kind is FindingKind.OURS]
        assert bool(ours) == (day >= OUR_CHANGE), day
        assert {f.case for f in ours} <= {"broken-mug"}


def test_the_history_tells_the_same(script):
    with open_history(script.workspace.history) as history:
        suite = script.suite
        events = history.events(suite.name, suite.targets[0].id)
        nights = history.nights(suite.name, suite.targets[0].id)
    told = {kind: [e.night for e in events if e.kind == kind] for kind in ("alarm", "outage")}
    assert told["alarm"] == [night_of(day) for day in script.rebased]
    assert told["outage"] == [night_of(day) for day in sorted(OUTAGES)]
    assert [one.is_complete for one in nights] == [
        day not in OUTAGES for day in range(ACCEPTED + NIGHTS)
    ]


def test_a_night_that_is_watched_again_changes_nothing_and_asks_nobody(script):
    before, after, asked = script.rewatched
    assert before == after
    assert asked == 0
