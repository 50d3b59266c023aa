"""Shards of a suite, sampled apart, are one night again; what is missing is told."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.cassettes import read_header, read_run
from contractcheck.errors import UsageError
from contractcheck.providers import provider_names
from contractcheck.suite import load_suites
from contractcheck.workflows.record import RecordOptions
from contractcheck.workflows.runs_merge import merge_runs
from contractcheck.workflows.shards import Shard, cases_of, read_shard

WIDE = """\
suite: wide
version: 1.0.0
targets: [openai:gpt-sim-mini-2026-03-01]
defaults: {samples: 2, max_output_tokens: 10}
cases:
"""


@pytest.fixture
def wide(project):
    """A project with a suite of seven cases."""
    folder = project.workspace.root / "suites" / "wide"
    folder.mkdir()
    cases = "".join(
        f'  - {{id: case-{n}, metrics: [text], messages: [{{role: user, content: "Say {n}."}}]}}\n'
        for n in range(7)
    )
    (folder / "suite.contract.yaml").write_text(WIDE + cases)
    return project


def record(project, mark, day=1):
    return project.record(day, name="wide", shard=read_shard(mark))


def test_all_shards_make_a_night_that_can_be_accepted(wide):
    folders = [record(wide, f"{n}/3") for n in (1, 2, 3)]
    asked = [set(read_header(folder).cases) for folder in folders]
    assert sorted(map(len, asked)) == [2, 2, 3]
    merged = merge_runs(wide.workspace, folders, wide.suite("wide"))
    run = read_run(merged)
    whole = read_run(wide.record(1, name="wide"))
    assert run.header.status == "complete"
    assert run.header.shard == ""
    assert run.header.cases == whole.header.cases
    assert [(x.case, x.trial) for x in run.exchanges] == [
        (x.case, x.trial) for x in whole.exchanges
    ]
    wide.accept(merged)


@pytest.mark.parametrize(
    ("marks", "words"),
    [
        (["1/3", "3/3"], "shard 2/3 is missing"),
        (["1/2", "2/3"], "shards of different splits"),
        (["1/3", "1/3"], "both hold trial"),
    ],
)
def test_what_is_no_whole_night_is_refused(wide, marks, words):
    folders = [record(wide, mark) for mark in marks]
    before = sorted(wide.workspace.runs.root.glob("*/*/*"))
    with pytest.raises(UsageError, match=words):
        merge_runs(wide.workspace, folders, wide.suite("wide"))
    assert sorted(wide.workspace.runs.root.glob("*/*/*")) == before


def test_a_shard_and_a_run_of_its_own_are_refused(wide):
    alone = wide.record(1, name="wide", cases=["case-0"])
    with pytest.raises(UsageError, match="no shard"):
        merge_runs(wide.workspace, [alone, record(wide, "1/2")], wide.suite("wide"))


def test_shards_of_two_nights_are_refused(wide):
    folders = [record(wide, "1/2"), record(wide, "2/2", day=2)]
    with pytest.raises(UsageError, match="different nights"):
        merge_runs(wide.workspace, folders, wide.suite("wide"))


def test_a_shard_is_never_accepted_alone(wide):
    with pytest.raises(UsageError, match="partial"):
        wide.accept(record(wide, "1/2"))


def test_more_shards_than_cases_are_refused_before_anything_is_asked(wide):
    with pytest.raises(UsageError, match="has 7 cases"):
        record(wide, "1/8")
    assert not wide.workspace.runs.root.exists()


def test_a_shard_of_a_selection_is_refused(wide):
    with pytest.raises(UsageError, match="leave out the selection"):
        wide.record(1, name="wide", shard=Shard(index=1, count=2), cases=["case-0"])
    assert RecordOptions().shard is None


@lru_cache(maxsize=1)
def shipped_suite():
    file = Path(__file__).parents[2] / "suites/order-tools/suite.contract.yaml"
    return load_suites([file], providers=provider_names())[0]


def suite_of(ids):
    """A real suite with cases of these names."""
    suite = shipped_suite()
    return replace(suite, cases=tuple(replace(suite.cases[0], id=case) for case in ids))


@given(st.integers(1, 40), st.data())
def test_shards_are_a_split_that_no_order_of_cases_changes(count, data):
    ids = data.draw(st.lists(st.text(min_size=1), min_size=count, max_size=60, unique=True))
    suite = suite_of(ids)
    parts = [cases_of(suite, Shard(index=n, count=count)) for n in range(1, count + 1)]
    assert sorted(case for part in parts for case in part) == sorted(ids)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    turned = suite_of(ids[::-1])
    assert parts == [cases_of(turned, Shard(index=n, count=count)) for n in range(1, count + 1)]


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/2/3", "a/b", "1/0", "-1/2", "1/99999", ""])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(UsageError, match="is not i/n"):
        read_shard(text)
