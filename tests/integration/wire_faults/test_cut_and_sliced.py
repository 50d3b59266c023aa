"""Real runs through a network that cuts answers off or hands them over in crumbs."""

import pytest

from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import FindingKind, Verdict

WIRES = (
    "anthropic",
    "bedrock",
    "cohere",
    "gemini",
    "mistral",
    "openai",
    "openai-responses",
)
ENDINGS = ("close", "half", "reset")
LOUD = {FindingKind.BREACH, FindingKind.DRIFT, FindingKind.SUSPECT, FindingKind.IDENTITY}


def loud(report):
    """Findings that say that something changed; how fast loopback is, is no concern here."""
    return [f for f in report.findings if f.kind in LOUD and f.plane != "latency"]


def test_answers_cut_at_fifty_places_are_no_news(watched, faults):
    folder = watched.record(6, fault=lambda n, _: faults["Cut"](n % 50 / 50, ENDINGS[n % 3]))
    assert {c.outcome for c in watched.completions(folder)} == {Outcome.TRUNCATED}
    report = watched.judge(folder)
    assert report.verdict is Verdict.ERROR
    assert report.findings == ()
    assert report.counts.infra == 50


def test_one_cut_answer_in_ten_leaves_a_verdict_without_drift(watched, faults):
    cut = faults["Cut"]
    whole = faults["Fault"]
    folder = watched.record(
        6, fault=lambda n, _: cut(0.6, ENDINGS[n % 3]) if n % 10 == 3 else whole()
    )
    report = watched.judge(folder)
    assert report.verdict in {Verdict.QUIET, Verdict.INCONCLUSIVE}, report.headline
    assert loud(report) == []
    assert Outcome.TRUNCATED in {c.outcome for c in watched.completions(folder)}


@pytest.mark.parametrize("wire", WIRES)
def test_cut_answers_of_every_wire_are_known(wire, make_project, faults):
    project = make_project(wire, samples=6)
    folder = project.record(1, fault=lambda n, _: faults["Cut"](n % 12 / 12, ENDINGS[n % 3]))
    assert {c.outcome for c in project.completions(folder)} == {Outcome.TRUNCATED}
    assert project.judge(folder).verdict is Verdict.ERROR


@pytest.mark.parametrize("wire", WIRES)
def test_crumbs_make_the_same_answers(wire, make_project, faults):
    project = make_project(wire, samples=3)
    # One after the other: which trial gets which answer depends on nothing else.
    plain = project.completions(project.record(1, concurrency=1))
    assert {c.outcome for c in plain} == {Outcome.ANSWERED}
    for size in (1, 7) if wire == "openai" else (3,):
        folder = project.record(1, concurrency=1, fault=lambda *_, n=size: faults["Sliced"](n))
        assert [c.text for c in project.completions(folder)] == [c.text for c in plain]
        assert project.completions(folder) == plain
