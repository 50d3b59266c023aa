import pytest
from click.testing import CliRunner

from contractcheck.cli.simulator import command
from contractcheck.errors import UsageError
from contractcheck.incidents import read_catalogue
from contractcheck.simulator import CHANGES, FAULTS

EVERY_CHANGE = [*CHANGES, *read_catalogue()]


@pytest.mark.parametrize(
    ("option", "names"), [("--list-changes", EVERY_CHANGE), ("--list-faults", FAULTS)]
)
def test_everything_that_can_be_played_is_listed(option, names):
    done = CliRunner().invoke(command, [option])
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.output.splitlines()] == list(names)


def test_incidents_are_listed_with_their_dates_and_classes():
    shown = CliRunner().invoke(command, ["--list-changes"]).output.splitlines()
    for name, incident in read_catalogue().items():
        (line,) = (line for line in shown if line.startswith(f"{name} "))
        assert incident.date in line
        assert all(one in line for one in incident.classes)
        assert ("not on a wire" in line) is (not incident.is_playable)


@pytest.mark.parametrize("night", ["foo", "2026-02-30", ""])
def test_a_night_that_is_no_date_is_refused(night):
    done = CliRunner().invoke(command, ["--night", night])
    assert isinstance(done.exception, UsageError)
    assert f"--night {night!r} is not a date such as 2026-" in str(done.exception)
    assert "listening" not in done.output


def test_a_wrong_fault_is_refused_before_anything_is_served():
    done = CliRunner().invoke(command, ["--fault", "rate_limited=often"])
    assert isinstance(done.exception, UsageError)
    assert "listening" not in done.output
