"""The command starts with click alone: what a command works with is loaded when it works."""

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from contractcheck.cli import cli
from contractcheck.simulator import Conditions, Simulator
from contractcheck.workflows.record import RecordOptions, record_run
from contractcheck.workflows.workspace import Workspace

SUITE = """\
suite: hello
version: 1.0.0
targets: [openai:gpt-sim-mini]
cases:
  - id: greet
    samples: 2
    messages: [{role: user, content: Say hello.}]
    metrics: [text]
"""
HEAVY = {
    "aiohttp",
    "anyio",
    "fsspec",
    "httpx",
    "httpx2",
    "hypothesis",
    "numpy",
    "pandas",
    "requests",
    "rich",
    "scipy",
    "sqlalchemy",
    "starlette",
    "urllib3",
    "uvicorn",
    "vcr",
    "yaml",
}
OURS_ALONE = """\
import json, sys
from click.testing import CliRunner

before = set(sys.modules)
from contractcheck.cli import cli

told = [CliRunner().invoke(cli, line) for line in json.loads(sys.argv[1])]
print(json.dumps([[one.exit_code for one in told], sorted(set(sys.modules) - before)]))
"""


def start(*lines, cwd=None):
    """Whether click refused each of some command lines (2), and what one process of them loaded."""
    shown = subprocess.run(
        [sys.executable, "-c", OURS_ALONE, json.dumps(lines)],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
    )
    codes, loaded = json.loads(shown.stdout)
    return codes, loaded


def foreign(loaded):
    """Top-level names of the loaded modules that are neither ours nor Python's nor click's."""
    known = {*sys.stdlib_module_names, "contractcheck", "click"}
    return {name.partition(".")[0] for name in loaded} - known


def rooms(loaded):
    """Rooms of ours of which anything was loaded."""
    return {name.split(".")[1] for name in loaded if name.startswith("contractcheck.")}


def lines_of(command, path=()):
    """Every command and subcommand, as the words that name it."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from lines_of(command.get_command(context, name), (*path, name))


LINES = [list(path) for path in lines_of(cli)]


def test_every_name_in_the_help_is_a_command():
    shown = CliRunner().invoke(cli, ["--help"]).output
    listed = shown.partition("Commands:\n")[2].splitlines()
    names = [line.split()[0] for line in listed if line.startswith("  ") and line[2] != " "]
    assert names == cli.list_commands(click.Context(cli))
    assert {path[0] for path in LINES if path} == set(names)


def test_version_and_help_load_nothing_but_click():
    codes, loaded = start(["--version"], ["--help"])
    assert codes == [0, 0]
    assert foreign(loaded) == set()
    assert rooms(loaded) <= {"cli", "errors", "report"}


def test_no_command_loads_what_it_works_with_to_tell_its_options():
    codes, loaded = start(*([*path, "--help"] for path in LINES))
    assert codes == [0] * len(LINES)
    assert foreign(loaded) == set()
    # Its formats and limits are told by name; nothing that reads, asks or judges is needed.
    assert rooms(loaded) <= {"cli", "errors", "model", "report", "stats", "workflows"}
    assert [name for name in loaded if name.startswith("contractcheck.workflows.")] == [
        "contractcheck.workflows.retention"
    ]


@pytest.mark.parametrize("line", [["run", "--concurrency", "0"], ["accept", "x"], ["runs", "what"]])
def test_a_line_that_is_wrong_is_refused_as_quickly(line):
    codes, loaded = start(line)
    assert codes == [2]
    assert foreign(loaded) == set()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A project with two recorded runs, and no baseline."""
    root = tmp_path_factory.mktemp("recorded")
    (root / "suites").mkdir()
    (root / "suites" / "hello.contract.yaml").write_text(SUITE)
    place = Workspace(root)
    (suite,) = place.load_suites()
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as provider:
        options = RecordOptions(base_url=provider.base_url)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPENAI_API_KEY", "any")
            folders = [record_run(place, suite, suite.targets[0], options) for _ in range(2)]
    return root, [folder.name for folder in folders]


def test_who_looks_at_recordings_loads_what_reads_them(recorded):
    root, (one, other) = recorded
    codes, loaded = start(
        ["runs"],
        ["runs", "ls", "--json"],
        ["runs", "show", one],
        ["runs", "show", one, "--case", "greet", "--trial", "0"],
        ["runs", "verify"],
        ["runs", "diff", one, other],
        ["runs", "prune", "--keep", "20"],
        cwd=root,
    )
    assert codes == [0] * 7
    # No numpy, no pandas, no client of HTTP, and nothing that reads or validates suites.
    assert foreign(loaded) <= {"backports", "orjson"}
    assert rooms(loaded).isdisjoint({"judging", "sampling", "stats", "suite", "wire_contracts"})
    assert "asyncio" not in loaded


def test_who_checks_a_suite_loads_nothing_that_asks_or_counts(recorded):
    root, _ = recorded
    codes, loaded = start(["suite", "check", "suites"], ["suite", "schema"], cwd=root)
    assert codes == [0, 0]
    assert foreign(loaded).isdisjoint(HEAVY)
    assert rooms(loaded).isdisjoint({"judging", "sampling", "cassettes"})


def test_who_judges_a_recording_loads_nothing_that_asks(recorded):
    root, (one, _) = recorded
    codes, loaded = start(["report", one], cwd=root)
    assert codes == [0]
    assert foreign(loaded).isdisjoint(HEAVY - {"numpy", "pandas", "scipy"})
    assert "scipy.optimize" not in loaded
    assert rooms(loaded).isdisjoint({"sampling", "auth", "simulator"})
