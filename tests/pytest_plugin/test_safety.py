"""Secrets, hostile answers, signals: what never happens whatever the session meets."""

import re
import signal
import time

import pytest

from contractcheck.cassettes import is_sealed, read_header, read_run
from contractcheck.workflows.record import RecordOptions, resume

KEY = "sk-proj-0123456789abcdefABCDEF0123456789"

_BROKEN_CODE = """\
def pytest_collection_finish(session):
    from contractcheck.sampling.sending import OwnSender

    async def fail(*_arguments, **_named):
        raise RuntimeError("a bug somewhere below")

    OwnSender.send = fail
"""


def assert_no_key(project, session):
    assert KEY not in session.output
    files = {**project.tree(), "junit": (project.scratch / "junit.xml").read_bytes()}
    assert [name for name, data in files.items() if KEY.encode() in data] == []


@pytest.mark.parametrize("change", ["", "renamed_field"])
def test_a_key_is_in_no_output_and_no_file(project, change):
    project.set_night(change=change)
    session = project.live("-l", "--tb=long", "-rA", "-vv", "--log-level=DEBUG", OPENAI_API_KEY=KEY)
    assert len(session.items) == 3
    assert_no_key(project, session)


def test_a_bug_shows_its_traceback_without_the_key(project):
    (project.root / "conftest.py").write_text(_BROKEN_CODE)
    session = project.live("-l", "--tb=long", "-rA", "-vv", OPENAI_API_KEY=KEY)
    assert session.code == 1
    assert "a bug somewhere below" in session.output
    assert "attempts.py" in session.output
    assert_no_key(project, session)


def test_what_a_model_says_cannot_act_on_the_terminal(accepted):
    """An answer in the reference night is quoted beside tonight's, so both must be tame."""
    accepted.edit(
        "Say good morning to Marta, in one sentence.", "\\e]0;evil\\a ::error::x ##[group]"
    )
    accepted.edit("finish_reason: [stop, length]", 'contains: "\\e[31m ::error::x ##[group]"')
    session = accepted.live("-rA")
    assert "\x1b" not in session.output
    assert "::error::" not in session.output
    assert "##[group]" not in session.output
    assert session.outcomes[f"greeting[{accepted.target}]"] == "failure"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_was_finished(project, number):
    project.set_night(time_scale=1.0)
    asked = project.provider.request_count
    process = project.begin(*project.live_options(), "--full-trace", "-l", OPENAI_API_KEY=KEY)
    wait_for(lambda: project.provider.request_count - asked >= 12)
    process.send_signal(number)
    session = project.finish(process)
    assert session.code == 2, session.output
    assert (project.scratch / "junit.xml").is_file()
    assert_no_key(project, session)

    (run,) = project.runs()
    assert f"contractcheck run --resume {run.name}" in session.output
    kept = read_run(run).exchanges
    assert kept
    assert not is_sealed(run)
    project.set_night()
    resume(run, project.suite, RecordOptions(base_url=project.provider.base_url))
    assert read_header(run).status == "complete"
    whole = {(x.case, x.trial): x for x in read_run(run).exchanges if x.ended == "eof"}
    assert len(whole) == 2 * project.samples
    for one in kept:
        if one.ended == "eof":
            assert whole[one.case, one.trial].response == one.response


def test_a_terminating_signal_does_what_it_did_when_the_session_is_over(project):
    """A test runner that embeds pytest gets its own handler back."""
    (project.root / "embed.py").write_text(
        "import signal, sys, pytest\n"
        "mine = lambda *_: None\n"
        "signal.signal(signal.SIGTERM, mine)\n"
        "pytest.main(['--contract', '-q'])\n"
        "assert signal.getsignal(signal.SIGTERM) is mine\n"
        "print('HANDLER RESTORED')\n"
    )
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "embed.py"], cwd=project.root, capture_output=True, text=True, check=False
    )
    assert "HANDLER RESTORED" in done.stdout, done.stdout + done.stderr


def wait_for(condition, limit_s=30.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_summary_says_each_thing_once(accepted):
    line = next(text for text in accepted.replay().contracts.splitlines() if "desk ×" in text)
    assert len(re.findall(r"desk × ", line)) == 1
