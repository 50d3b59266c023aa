"""``contractcheck accept``: which of its two ways is meant is never guessed."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "name the RUNS to accept, or --since NIGHT"),
        (["20260301t020000z-a", "--since", "2026-03-01"], "three ways to accept"),
        (["--gate", "g", "--since", "2026-03-01"], "three ways to accept"),
        (["--gate", "g"], "no gate 'g'"),
        (["x", "--target", "mistral:m"], "--target goes with --since or"),
        (["--since", "2026-03-01"], "this is about hello × openai:gpt-sim, hello × mistral:m"),
        (
            ["--since", "2026-03-01", "--target", "a:b"],
            "no target 'a:b'; there are: openai:gpt-sim, mis",
        ),
        (["--since", "2026-03-01", "--target", "mistral:m"], "has no accepted nights"),
    ],
)
def test_what_is_unclear_is_refused(tmp_path, words, why):
    (tmp_path / "suites/hello").mkdir(parents=True)
    (tmp_path / "suites/hello/suite.contract.yaml").write_text(SUITE)
    arguments = ["accept", *words, "--reason", "r", "--root", str(tmp_path)]
    with pytest.raises(UsageError, match=why):
        click.testing.CliRunner().invoke(cli, arguments, catch_exceptions=False)
