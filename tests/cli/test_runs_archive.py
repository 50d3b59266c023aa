"""The archive and the history from the command line."""

import shutil
import sqlite3

import pytest
from click.testing import CliRunner

from contractcheck.cassettes import create_run, seal_run
from contractcheck.cli import cli
from contractcheck.errors import RecordingError, UsageError
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber
from contractcheck.workflows.workspace import Workspace

SUITE = """\
suite: hello
version: 1.0.0
targets: [openai:gpt-sim-mini]
cases:
  - id: greet
    messages: [{role: user, content: "Say hello."}]
    metrics: [text]
"""


def make_run(root, number, *, sealed=True):
    at = f"2026-03-0{number}T02:00:00+00:00"
    header = RunHeader(
        id=f"2026030{number}t020000z-aa",
        suite="hello",
        suite_version="1.0.0",
        suite_fingerprint="f",
        target=Target(provider="openai", model="gpt-sim-mini"),
        night=f"2026-03-0{number}",
        started_at=at,
        ended_at=at,
        status="complete",
        cases={"greet": CasePlan(samples=1, request_fingerprint="q", parts={})},
        vantage={},
    )
    folder = Workspace(root).runs.folder(header.suite, header.target, header.id)
    create_run(folder, header, Scrubber.for_secrets([])).close()
    if sealed:
        seal_run(folder, status="complete", ended_at=at)
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.delenv("CONTRACTCHECK_STORE", raising=False)
    monkeypatch.delenv("CONTRACTCHECK_HISTORY", raising=False)
    suite = tmp_path / "suites" / "hello" / "hello.contract.yaml"
    suite.parent.mkdir(parents=True)
    suite.write_text(SUITE)
    return tmp_path


def do(place, *words, fails=None):
    done = CliRunner().invoke(cli, [*words, "--root", str(place)])
    if fails is None:
        assert done.exception is None, done.output
        return done.stdout
    assert isinstance(done.exception, fails), done.output
    return str(done.exception)


def test_a_run_is_pushed_once_and_fetched_where_it_was(place):
    folder, store = make_run(place, 1), str(place / "archive")
    pushed = do(place, "runs", "push", "20260301", "--store", store)
    assert pushed.startswith("20260301t020000z-aa  ")
    assert do(place, "runs", "push", folder.name, "--store", store) == pushed
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    shutil.rmtree(folder)
    assert do(place, "runs", "fetch", "20260301t02", "--store", store).split()[0] == folder.name
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_environment_names_the_archive_but_nothing_is_pruned_by_it(place, monkeypatch):
    make_run(place, 1)
    monkeypatch.setenv("CONTRACTCHECK_STORE", str(place / "archive"))
    do(place, "runs", "push", "20260301")
    told = do(place, "runs", "prune", "--keep", "0")
    assert "would go 20260301t020000z-aa" in told
    do(place, "runs", "prune", "--keep-nights", "1", fails=UsageError)


@pytest.mark.parametrize(
    ("name", "words"),
    [("20270101", "no run '20270101' in "), ("2026", "fits 2 archived runs")],
)
def test_a_run_that_is_not_meant_clearly_is_not_fetched(place, name, words):
    store = str(place / "archive")
    for number in (1, 2):
        make_run(place, number)
    do(place, "runs", "push", "20260301", "20260302", "--store", store)
    assert words in do(place, "runs", "fetch", name, "--store", store, fails=UsageError)


def test_of_a_run_that_is_nowhere_the_newest_ones_are_told(place):
    store = str(place / "archive")
    told = do(place, "runs", "fetch", "1999", "--store", store, fails=UsageError)
    assert "it holds no run; `contractcheck runs push` puts one there" in told
    for number in range(1, 8):
        make_run(place, number)
    do(place, "runs", "push", *(f"2026030{number}" for number in range(1, 8)), "--store", store)
    told = do(place, "runs", "fetch", "1999", "--store", store, fails=UsageError)
    names = [f"2026030{number}t020000z-aa" for number in (7, 6, 5, 4, 3)]
    assert f"the newest of 7 there are {', '.join(names)}" in told


def test_an_open_run_is_not_pushed(place):
    make_run(place, 1, sealed=False)
    told = do(place, "runs", "push", "20260301", "--store", str(place / "a"), fails=UsageError)
    assert "is not sealed" in told
    assert not (place / "a").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--store", "x"],
        ["--store", "x", "--keep", "3"],
        ["--keep-nights", "3"],
        ["--keep-nights", "3", "--keep", "3"],
        ["--store", "x", "--keep-nights", "3", "--yes", "--dry-run"],
    ],
)
def test_pruning_wants_to_be_told_what_may_go(place, options):
    do(place, "runs", "prune", *options, fails=UsageError)


def test_an_archive_is_not_pruned_without_a_baseline(place):
    store = str(place / "archive")
    make_run(place, 1)
    do(place, "runs", "push", "20260301", "--store", store)
    words = ["runs", "prune", "--store", store, "--keep-nights", "0", "--yes"]
    assert "nobody knows which nights are accepted" in do(place, *words, fails=UsageError)
    assert len([*(place / "archive").rglob("*.tar")]) == 1


def test_a_history_is_rebuilt_and_says_what_it_passed_over(place):
    history = str(place / "h.sqlite")
    make_run(place, 1)
    first = do(place, "history", "rebuild", "--history", history)
    assert "1 run measured, 1 changed; 1 night judged" in first
    again = do(place, "history", "rebuild", "--history", history)
    assert again.splitlines()[0] == "1 run measured, 0 changed; 1 night judged"
    assert again.splitlines()[1] == first.splitlines()[1]
    bad = make_run(place, 2)
    (bad / "manifest.json").write_text("{}")
    done = CliRunner().invoke(
        cli, ["history", "rebuild", "--history", history, "--root", str(place)]
    )
    assert "passed over: 20260302t020000z-aa" in done.stderr
    assert done.stdout.splitlines()[1] == first.splitlines()[1]


def test_a_history_of_a_newer_version_is_not_touched(place):
    history = place / "h.sqlite"
    do(place, "history", "rebuild", "--history", str(history))
    with sqlite3.connect(history) as connection:
        connection.execute("UPDATE contractcheck_schema SET version = 99")
    connection.close()
    before = history.read_bytes()
    words = ["history", "rebuild", "--history", str(history)]
    assert "upgrade contractcheck" in do(place, *words, fails=RecordingError)
    assert history.read_bytes() == before
