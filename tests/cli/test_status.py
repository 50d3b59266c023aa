"""``contractcheck status``: what is printed, and exit code 4 for whatever is not as it ought to be."""

from __future__ import annotations

import json

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
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "suites/hello").mkdir(parents=True)
    (tmp_path / "suites/hello/suite.contract.yaml").write_text(SUITE)

    def run(*words):
        arguments = ["status", *words, "--root", str(tmp_path)]
        runner = click.testing.CliRunner()
        return runner.invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)

    return run


def test_what_was_never_watched_is_stale_and_exits_with_4(run):
    shown = run("--target", "mistral:m")
    assert shown.return_value == 4
    assert shown.stdout.splitlines() == [
        "hello × mistral:m: STALE, UNCOVERED",
        "  STALE: no complete night was ever watched; `watch` does",
        "  UNCOVERED: greet: learning: 0 of 5 accepted nights asked it as it is now; accept more",
        "  accepted: 0 of 10 nights",
    ]


def test_programs_get_every_field(run):
    shown = run("--format", "json")
    document = json.loads(shown.stdout)
    assert document["contractcheck_status"] == 1
    assert [one["target"] for one in document["subjects"]] == ["openai:gpt-sim", "mistral:m"]
    assert {p["kind"] for p in document["subjects"][0]["problems"]} == {"stale", "uncovered"}
    assert document["subjects"][0]["fortnight"]["planned"] == 0


@pytest.mark.parametrize("age", ["36", "h", "-1h", "1w", "0h", "1.5h", ""])
def test_an_age_is_a_number_with_its_unit(run, age):
    with pytest.raises(UsageError, match="is not a time such as 36h, 90m or 2d"):
        run("--max-age", age)
