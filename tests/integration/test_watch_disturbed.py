"""A watch that is killed, run twice at once, or run on a full disk ends as one that was not."""

import errno
import random
import shutil
from dataclasses import asdict
from itertools import pairwise

import pytest

from contractcheck.cassettes import is_sealed
from contractcheck.metrics import LATENCY
from contractcheck.model.judgement import Verdict
from contractcheck.model.target import Target
from contractcheck.simulator import Conditions
from contractcheck.store.history import open_history
from contractcheck.workflows.accept import AcceptOptions, accept_runs
from contractcheck.workflows.workspace import Workspace

SEED = 20261122
ACCEPTED = 10
LATER = range(ACCEPTED + 1, ACCEPTED + 6)
TRIALS = 4
KILLS = 20
EVERY_CALL = "write,pwrite,fsync,fdatasync,close,rename,unlink,mkdir,create"
FAULT = {"FAULT_CALLS": EVERY_CALL}
# Answers do not depend on how often they were asked for; how long they took is not compared.
SUITE = """\
suite: year
version: 1.0.0
targets: [openai:gpt-sim-mini]
defaults: {samples: 2, max_output_tokens: 12, temperature: 0}
policy: {margins: {ttft: 1000x, total: 1000x}}
cases:
  - id: one
    messages: [{role: user, content: Say something about the harbour.}]
    metrics: [text, output_tokens]
  - id: two
    messages: [{role: user, content: Say something about the hills.}]
    metrics: [text]
"""


class Year:
    """Nights of one project, made by processes that obey."""

    def __init__(self, root, obey, provider):
        self.root, self.obey, self.provider = root, obey, provider
        self.workspace = Workspace(root)
        self.target = Target(provider="openai", model="gpt-sim-mini")

    def order(self, day, faults=None):
        night = f"2026-03-{day:02}"
        self.provider.conditions = Conditions(night=night, time_scale=0.0)
        given = {"night": night, "base_url": self.provider.base_url}
        env = {"FAULT_ROOT": str(self.root), **faults} if faults else {}
        return {"do": "watch", "root": str(self.root), "with": given, "env": env}

    def watch(self, day, faults=None):
        (outcome,) = self.obey(self.order(day, faults))
        return outcome

    def accept_first_nights(self):
        options = AcceptOptions(reason="looked at", by="me")
        runs = self.workspace.runs.folders("year", self.target)
        folders = [folder for folder in runs if is_sealed(folder)]
        accept_runs(self.workspace, folders, self.workspace.load_suites(), options)

    def live(self, days, disturb=lambda _year, _day: None):
        """Live through some nights; each is watched to its end after it was disturbed."""
        for day in days:
            disturb(self, day)
            outcome = self.watch(day)
            assert outcome["status"] == 0, outcome["words"]

    def rows(self):
        """All that the history holds, but ids and times of runs, and how long answers took."""
        name = "year", self.target.id
        with open_history(self.workspace.history, create=False) as history:
            judged = history.judgements(*name)
            baselines = dict.fromkeys(one.baseline for one in judged if one.baseline)
            return {
                "nights": [_of_night(one) for one in history.nights(*name)],
                "confirmations": history.nights(*name, part="confirmation"),
                "statistics": [
                    _of_statistics(history.statistics(*name, one.night))
                    for one in history.nights(*name)
                ],
                "values": [
                    (one.night, _without_latency(one.streams))
                    for baseline in baselines
                    for one in history.values(*name, baseline)
                ],
                "judgements": [_of_judgement(one) for one in judged],
                "events": history.events(*name),
            }


def _of_night(record):
    own = asdict(record)
    return {key: own[key] for key in own if key not in _OF_RUNS}


_OF_RUNS = {"run_id", "run_root", "started_at", "ended_at"}


def _of_statistics(statistics):
    cases = {case: _without_latency(one.cells) for case, one in statistics.cases.items()}
    return statistics.night, statistics.is_complete, cases


def _without_latency(names):
    return {name: one for name, one in names.items() if name not in LATENCY}


def _of_judgement(one):
    charts = [chart for chart in one.charts if chart.plane != "latency"]
    findings = [finding for finding in one.findings if finding.plane != "latency"]
    # A time that is missing, since this machine was busy, makes a quiet night inconclusive.
    return one.night, one.verdict is Verdict.FAIL, findings, charts


@pytest.fixture(scope="module")
def young(tmp_path_factory, driver, provider):
    """Folder of a project whose first nights are accepted."""
    root = tmp_path_factory.mktemp("young") / "project"
    (root / "suites").mkdir(parents=True)
    (root / "suites" / "year.contract.yaml").write_text(SUITE)
    made = Year(root, driver, provider)
    made.live(range(1, ACCEPTED + 1))
    made.accept_first_nights()
    return root


@pytest.fixture
def year(tmp_path, young, driver, provider):
    return Year(shutil.copytree(young, tmp_path / "project"), driver, provider)


@pytest.fixture(scope="module")
def calm(tmp_path_factory, young, driver, provider):
    """Rows of nights that nothing disturbed, and the calls of the disk that one more takes."""
    root = shutil.copytree(young, tmp_path_factory.mktemp("calm") / "project")
    made = Year(root, driver, provider)
    made.live(LATER)
    rows = made.rows()
    assert any(charts for *_, charts in rows["judgements"])
    counting = {**FAULT, "FAULT_DOES": "kill", "FAULT_AT": "1000000"}
    return rows, made.watch(LATER.stop, counting)["calls"]


def drawn_points(total, number, seed=0):
    """Calls at which a fault strikes, spread over all of them."""
    draw = random.Random(SEED + seed)  # noqa: S311 - drawn again
    edges = [1 + total * place // number for place in range(number + 1)]
    return [draw.randrange(low, max(low + 1, high)) for low, high in pairwise(edges)]


# Twenty points always, two hundred in all.
TWENTY = pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.calibration) for seed in range(1, 10))]
)


@TWENTY
def test_nights_in_which_the_watch_was_killed_end_as_quiet_ones(year, calm, seed):
    rows, calls = calm
    points = drawn_points(calls, KILLS, seed)
    statuses = []

    def kill(killed, day):
        for at in points[day - LATER.start :: len(LATER)]:
            faults = {**FAULT, "FAULT_DOES": "kill", "FAULT_AT": str(at)}
            statuses.append(killed.watch(day, faults)["status"])

    year.live(LATER, kill)
    assert len(statuses) == KILLS
    # A watch that goes on where one was killed has less to do, and may end before its call.
    assert statuses.count(-9) >= KILLS // 2, statuses
    assert year.rows() == rows


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(errno.ENOSPC, id="full"),
        pytest.param(errno.EIO, id="broken", marks=pytest.mark.calibration),
    ],
)
def test_nights_on_a_disk_that_refused_for_a_while_end_as_quiet_ones(year, calm, refused):
    rows, calls = calm
    points = drawn_points(calls, len(LATER))
    outcomes = []

    def refuse(project, day):
        # Everything but `close`, which gives nothing new to a disk.
        faults = {"FAULT_CALLS": EVERY_CALL.replace(",close", ""), "FAULT_DOES": str(refused)}
        faults |= {"FAULT_AT": str(points[day - LATER.start]), "FAULT_LASTING": "1"}
        outcomes.append(project.watch(day, faults))

    year.live(LATER, refuse)
    statuses = [outcome["status"] for outcome in outcomes]
    assert set(statuses) <= {0, 4}, outcomes
    assert statuses.count(4) >= len(LATER) // 2, outcomes
    assert year.rows() == rows


def test_two_watches_at_once_make_one_night_and_ask_once(year, calm):
    rows, _ = calm

    def race(project, day):
        asked = project.provider.request_count
        outcomes = project.obey(project.order(day), project.order(day))
        assert [outcome["status"] for outcome in outcomes] == [0, 0], outcomes
        assert project.provider.request_count - asked == TRIALS

    year.live(LATER, race)
    assert year.rows() == rows
    assert len(year.workspace.runs.folders("year", year.target)) == LATER.stop - 1
