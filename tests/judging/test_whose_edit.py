"""An edit of the suite excuses what it can have moved, and nothing that fell in the same nights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contractcheck.judging import judge_run
from contractcheck.judging.evidence import Evidence
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.workflows.night_runs import night_record

NAMES = ("a", "b", "c", "d", "e", "f")
ACCEPTED, QUIET, CHANGED = 10, 2, 4


@pytest.fixture(scope="module")
def ordinary_nights():
    return {}


@pytest.fixture
def judge_nights(make_world, ordinary_nights):
    """Judge two quiet nights and some on which cases fall, after the checks of some are edited."""
    options = {"cases": NAMES, "samples": 6, "metrics": "[output_tokens]"}
    world = make_world(checks="[not_empty]", **options)
    other = make_world(checks="[not_empty, no_refusal]", **options).suite

    def judge(behaviour, *, edited):
        if not ordinary_nights:
            ordinary_nights.update((n, world.run(n)) for n in range(ACCEPTED + QUIET))
        cases = tuple(other.case(c.id) if c.id in edited else c for c in world.suite.cases)
        suite = replace(world.suite, version="1.1.0", fingerprint="zz", cases=cases)
        baseline = world.accept([ordinary_nights[n] for n in range(ACCEPTED)])
        later, records, previous, judged = [], {}, None, []
        for night in range(ACCEPTED, ACCEPTED + QUIET + CHANGED):
            known = ordinary_nights.get(night)
            run = known or world.run(night, behaviour, suite=suite)
            judgement = judge_run(
                Evidence(
                    suite=world.suite if known else suite,
                    run=run,
                    baseline=baseline,
                    previous=previous,
                    watch=True,
                    later=tuple(later),
                    records=dict(records),
                )
            )
            later.append(judgement.values)
            records[run.statistics.night] = night_record(run, root=None)
            previous = run.statistics
            judged.append(judgement)
        return judged[QUIET:]

    return judge


def falling(shape, **trials):
    """Answers of which the first few of some cases are empty."""
    usual = shape()

    def behave(draw, case, trial):
        reply = usual(draw, case, trial)
        return replace(reply, text=" ") if trial < trials.get(case, 0) else reply

    return behave


def kinds(judgement):
    return {f.kind for f in judgement.findings if f.plane == "conformance"}


def test_an_edit_of_three_cases_does_not_excuse_the_fourth_and_fifth(judge_nights, shape):
    fall = falling(shape, a=6, b=6, c=6, d=3, e=3)
    judged = judge_nights(fall, edited=("a", "b", "c"))
    assert [kinds(one) for one in judged[1:]] == [{FindingKind.DRIFT}] * (CHANGED - 1)
    assert {one.verdict for one in judged[1:]} == {Verdict.FAIL}
    for one in judged:
        assert all(len(finding.where) <= 3 for finding in one.findings)


def test_an_edit_of_all_that_fell_excuses_it_by_two_nights_as_by_charts(judge_nights, shape):
    judged = judge_nights(falling(shape, a=6, b=6, c=6), edited=("a", "b", "c"))
    found = [f for one in judged[1:] for f in one.findings if f.plane == "conformance"]
    assert {f.kind for f in found} == {FindingKind.OURS}
    assert len(found) == CHANGED - 1
    assert all("the suite (1.0.0 → 1.1.0) on 2026-03-13" in f.message for f in found)
    assert "two consecutive nights" in found[0].message
