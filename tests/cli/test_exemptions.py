"""``contractcheck mute`` and ``quarantine``: what is printed, written and refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click.testing
import pytest

from contractcheck.cli import cli
from contractcheck.errors import UsageError

SUITE = """\
suite: hello
version: 1.0.0
targets: [openai:gpt-sim, mistral:m]
cases:
  - id: greet
    messages: [{role: user, content: hi}]
  - id: part
    messages: [{role: user, content: bye}]
"""
SOON = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
WHO = ("--reason", "\x1b[2J known", "--owner", "ada", "--expires", SOON)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "suites/hello").mkdir(parents=True)
    (tmp_path / "suites/hello/suite.contract.yaml").write_text(SUITE)

    def run(*words):
        runner = click.testing.CliRunner()
        return runner.invoke(cli, [*words, "--root", str(tmp_path)], catch_exceptions=False)

    return run


def test_a_mute_is_written_for_every_target_listed_and_lifted(run, tmp_path):
    shown = run("mute", "hello", "--metric", "text", *WHO).stdout.splitlines()
    words = f"mute text, until {SOON}, ada: \\x1b[2J known"
    lines = [f"hello × {target}: {words}" for target in ("openai:gpt-sim", "mistral:m")]
    assert shown[:2] == lines
    files = sorted(str(path) for path in (tmp_path / "cassettes").rglob("exemptions.json"))
    assert sorted(line.removeprefix("review and commit ") for line in shown[2:]) == files
    assert run("mute", "hello", "--list").stdout.splitlines() == lines
    lifted = run("mute", "hello", "--metric", "text", "--target", "mistral:m", "--lift")
    assert lifted.stdout.startswith("1 lifted")
    assert run("mute", "hello", "--list").stdout.splitlines() == lines[:1]


def test_a_quarantine_names_its_case(run):
    shown = run("quarantine", "hello", "greet", "--target", "mistral:m", *WHO).stdout
    assert shown.startswith(f"hello × mistral:m: quarantine greet, until {SOON}, ada")
    assert run("mute", "hello", "--list").stderr == "no mute in hello\n"
    assert run("quarantine", "hello", "greet", "--lift").stdout.startswith("1 lifted")


def test_what_does_not_exist_is_refused(run):
    with pytest.raises(UsageError, match="hello has no target 'a:b'; there are: openai:gpt-sim, "):
        run("mute", "hello", "--target", "a:b", *WHO)
    with pytest.raises(UsageError, match="no suite named 'other'"):
        run("mute", "other", "--list")
    with pytest.raises(UsageError, match="--owner is empty"):
        run("quarantine", "hello", "greet")
