"""Options that bound a session: refused when they bound nothing, taken as they are."""

import pytest
from click.testing import CliRunner

from contractcheck.cli import cli


@pytest.mark.parametrize("command", ["run", "gate"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--deadline", "nan"),
        ("--deadline", "inf"),
        ("--deadline", "0"),
        ("--patience", "-1"),
        ("--requests-per-minute", "nan"),
        ("--request-timeout", "1e999"),
        ("--first-token-timeout", "soon"),
        ("--attempts", "0"),
        ("--max-tokens", "0"),
    ],
)
def test_what_bounds_nothing_is_refused(command, option, value):
    done = CliRunner().invoke(cli, [command, option, value])
    assert done.exit_code == 2
    assert option in done.output
