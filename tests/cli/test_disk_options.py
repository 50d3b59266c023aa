"""What is said about disks on the command line reaches those who write."""

import pytest
from click.testing import CliRunner

from contractcheck.cli.accept import command as accept
from contractcheck.cli.run import command as run
from contractcheck.errors import UsageError

SUITE = """\
suite: hello
version: 1.0.0
targets: [openai:gpt-sim-mini]
cases:
  - id: greet
    messages: [{role: user, content: Say hello.}]
    metrics: [text]
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "hello.contract.yaml").write_text(SUITE)
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-nobody")
    return tmp_path


def invoke(command, *arguments):
    return CliRunner().invoke(command, list(arguments), standalone_mode=False)


@pytest.mark.parametrize(("said", "meant"), [((), "close"), (("--fsync", "each"), "each")])
def test_run_says_when_the_disk_must_confirm(project, monkeypatch, said, meant):
    asked = []

    def record(_workspace, _suite, _target, options, _progress):
        asked.append(options.fsync)
        raise UsageError("seen enough")

    monkeypatch.setattr("contractcheck.workflows.record.record_run", record)
    result = invoke(run, "--root", str(project), *said)
    assert isinstance(result.exception, UsageError), result.output
    assert asked == [meant]


@pytest.mark.parametrize(("said", "meant"), [((), 5.0), (("--max-cassette-mb", "0.5"), 0.5)])
def test_accept_says_how_much_may_go_into_version_control(project, monkeypatch, said, meant):
    asked = []

    def accept_runs(_workspace, _folders, _suites, options):
        asked.append(options.max_cassette_mb)
        return ()

    monkeypatch.setattr("contractcheck.workflows.accept.accept_runs", accept_runs)
    folder = project / "run"
    folder.mkdir()
    arguments = ("--root", str(project), "--reason", "looked at", *said)
    result = invoke(accept, str(folder), *arguments)
    assert result.exception is None, result.output
    assert asked == [meant]


def test_no_cap_of_nothing(project):
    result = invoke(accept, "x", "--reason", "r", "--max-cassette-mb", "0")
    assert "is not in the range" in str(result.exception)
