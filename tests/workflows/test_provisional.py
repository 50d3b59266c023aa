"""After a gate the new side is watched from its first night on, by what the gate saw of it."""

from __future__ import annotations

import shutil
from dataclasses import replace

import click.testing
import pytest

from contractcheck.cassettes import read_run
from contractcheck.cli import cli
from contractcheck.errors import AcceptRefusedError, UsageError
from contractcheck.judging.standing import place_tonight
from contractcheck.model.target import Target
from contractcheck.workflows.accept import AcceptOptions
from contractcheck.workflows.archive_accepted import mark_nights
from contractcheck.workflows.provisional import accept_gate
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.run_archive import open_archive

OLD = Target(provider="openai", model="gpt-sim-mini-2026-03-01")
NEW = Target(provider="openai", model="gpt-sim-2026-03-01")
OPTIONS = AcceptOptions(reason="moved on OPS-51", by="ada")
POLICY = "policy: {gate: {slots: 4}, margins: {refusals: +0.9}}\ncases:"


class Gated:
    """Accepted nights of the old side, and a gate from it to the new one that is over."""

    def __init__(self, project, provider):
        self.project = project
        self.provider = provider
        path = project.workspace.root / "suites/hello/suite.contract.yaml"
        path.write_text(path.read_text().replace("cases:", POLICY))
        self.suite = project.suite()

    def gate(self, new=NEW, *arguments):
        sides = [f"target={one.id},base_url={self.provider.base_url}" for one in (OLD, new)]
        words = ["gate", "--root", str(self.project.workspace.root), "--from", sides[0]]
        runner = click.testing.CliRunner()
        done = runner.invoke(
            cli,
            [*words, "--to", sides[1], *arguments],
            standalone_mode=False,
            catch_exceptions=False,
        )
        (plan,) = self.project.workspace.gates.root.glob("*.json")
        return plan.stem, done.return_value

    def begin(self, gate, target=None):
        return accept_gate(self.project.workspace, gate, self.suite, target, OPTIONS)

    def refusal(self, gate, target=None, error=AcceptRefusedError):
        before = self.project.cassettes()
        with pytest.raises(error) as refused:
            self.begin(gate, target)
        assert self.project.cassettes() == before
        return str(refused.value)


@pytest.fixture
def gated(project, simulated, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-live-Zq81nVtR5mPx0aLw")
    return Gated(project, simulated)


def test_the_archive_keeps_the_gates_run_and_the_nights_that_the_old_side_lends(
    gated, tmp_path_factory
):
    project, archive = gated.project, open_archive(str(tmp_path_factory.mktemp("archive")))
    project.accept(night := project.record(1))
    archive.push(night)
    gate, _ = gated.gate()
    folder = project.workspace.runs.folder("hello", NEW, f"{gate}to")
    archive.push(folder)
    shutil.rmtree(folder)
    accept_gate(project.workspace, gate, gated.suite, None, replace(OPTIONS, archive=archive))
    assert {mark.run_id for mark in archive.contents().marks} == {night.name, folder.name}
    assert archive.contents().missing == ()


def test_nights_lent_without_an_archive_are_marked_where_the_old_side_put_them(
    gated, tmp_path_factory
):
    """As a watch of the new side does with the archive (``mark_nights``)."""
    project, archive = gated.project, open_archive(str(tmp_path_factory.mktemp("archive")))
    project.accept(night := project.record(1))
    gate, _ = gated.gate()
    folder = project.workspace.runs.folder("hello", NEW, f"{gate}to")
    lent, placed = (archive.push(one) for one in (night, folder))
    begun = gated.begin(gate)
    assert archive.contents().marks == frozenset()
    mark_nights(archive, begun)
    assert archive.contents().marks == {lent.mark, placed.mark}


def test_the_gates_answers_place_the_new_side_and_the_old_nights_lend_their_spread(gated):
    gated.project.accept(gated.project.record(1), gated.project.record(2))
    gate, _ = gated.gate()
    root = str(gated.project.workspace.root)
    words = ["accept", "--gate", gate[:12], "--by", "ada", "--reason", "moved on OPS-51"]
    shown = click.testing.CliRunner().invoke(cli, [*words, "--root", root], catch_exceptions=False)
    assert shown.stdout.startswith(
        "provisional: the gate's answers say where the new side stands, 2 nights of the old one"
    )
    read = gated.project.workspace.baselines.read("hello", NEW)
    assert [len(era) for era in read.eras] == [2, 1]
    night = read.nights[-1]
    assert night.acceptance.reason == f"provisional, gate {gate}: moved on OPS-51"
    assert night.acceptance.accepted_by == "ada"
    assert night.statistics.is_complete
    assert {case.answered for case in night.statistics.cases.values()} == {4}
    header = read_run(gated.project.record(20)).header
    placed = place_tonight(gated.suite, read, header)
    assert (placed.placed, len(placed.accepted)) == (1, 3)
    assert gated.project.workspace.baselines.read("hello", OLD).rebases == ()
    assert "has accepted nights already" in gated.refusal(gate)
    assert "moves to openai:gpt-sim-2026-03-01; name" in gated.refusal(gate, "a:b", UsageError)
    assert "no gate 'nothing'" in gated.refusal("nothing", error=UsageError)


def test_without_nights_of_the_old_side_the_new_one_starts_alone(gated):
    gate, _ = gated.gate()
    made = gated.begin(gate, NEW.id)
    assert (len(made.nights), made.rebases, made.reference_night) == (1, (), None)


def test_more_nights_of_the_new_side_join(gated):
    gated.project.accept(gated.project.record(1), gated.project.record(2))
    gate, _ = gated.gate()
    gated.begin(gate)
    path = gated.project.workspace.root / "suites/hello/suite.contract.yaml"
    path.write_text(path.read_text().replace(OLD.model, NEW.model))
    night = gated.project.workspace.baselines.read("hello", NEW).nights[-1].statistics.night
    suite = gated.project.suite()
    options = RecordOptions(night="2099-01-01", base_url=gated.provider.base_url)
    folder = record_run(gated.project.workspace, suite, NEW, options)
    (baseline,) = gated.project.accept(folder)
    assert [one.statistics.night for one in baseline.eras[-1]] == [night, "2099-01-01"]
    assert baseline.reference_night == "2099-01-01"


def test_a_gate_that_stays_at_its_target_begins_no_baseline(gated):
    gate, _ = gated.gate(OLD)
    assert f"gate {gate} stays at {OLD.id}" in gated.refusal(gate)
