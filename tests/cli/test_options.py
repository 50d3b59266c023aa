from __future__ import annotations

import pytest

from contractcheck.cli.options import select_suite_of, select_suites
from contractcheck.cli.run import worst
from contractcheck.errors import NothingToCheckError, UsageError
from contractcheck.workflows.workspace import Workspace

SUITE = """\
suite: {name}
version: 1.0.0
targets: [openai:gpt-sim]
cases:
  - id: greet
    messages: [{{role: user, content: "Hello?"}}]
    metrics: [text]
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    for folder, name in (("suites/a", "a"), ("suites/b", "b"), ("elsewhere", "c")):
        path = tmp_path / folder / "suite.contract.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(SUITE.format(name=name))
    monkeypatch.chdir(tmp_path)
    return Workspace(tmp_path)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ([], ["a", "b"]),
        (["b"], ["b"]),
        (["b", "a", "b"], ["b", "a"]),
        (["elsewhere"], ["c"]),
        (["elsewhere/suite.contract.yaml", "a"], ["c", "a"]),
        (["./suites/a"], ["a"]),
    ],
)
def test_suites_are_selected_by_path_and_by_name(place, given, names):
    assert [suite.name for suite in select_suites(place, given)] == names


def test_a_name_that_no_suite_has_is_said_with_those_there_are(place):
    with pytest.raises(UsageError) as caught:
        select_suites(place, ["a", "x"])
    assert str(caught.value) == f"no suite named 'x' below {place.root / 'suites'}; there are: a, b"


def test_the_suite_of_a_run_is_looked_for_among_the_given_ones(place):
    assert select_suite_of(place, "a", []).name == "a"
    assert select_suite_of(place, "c", ["elsewhere"]).name == "c"
    with pytest.raises(
        NothingToCheckError, match="the run is of suite 'c', which is not among a, b"
    ):
        select_suite_of(place, "c", [])


@pytest.mark.parametrize(
    ("codes", "code"), [([0], 0), ([0, 3], 3), ([3, 4], 4), ([4, 1, 3], 1), ([0, 0], 0)]
)
def test_the_worst_verdict_is_the_exit_code(codes, code):
    assert worst(codes) == code
