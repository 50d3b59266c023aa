"""The command starts with click alone: what a command works with is loaded when it works."""

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from contractcheck.cli import cli

OURS_ALONE = """\
import json, sys
from click.testing import CliRunner

before = set(sys.modules)
from contractcheck.cli import cli

told = [CliRunner().invoke(cli, line) for line in json.loads(sys.argv[1])]
print(json.dumps([[one.exit_code for one in told], sorted(set(sys.modules) - before)]))
"""


def start(*lines, cwd=None):
    """Exit codes of command lines, one after the other in one new process, and what they loaded."""
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
