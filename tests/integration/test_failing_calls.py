"""The command on a machine whose disk refuses: faults by libfiu, a fault injector not of ours.

Its library fails one call of the C library wherever the process makes it. ``test_disk_faults.py``
has the finer tool: this call of the product's own, torn or killed.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from contractcheck.cassettes import is_sealed, read_run

SUITE = """\
suite: faults
version: 1.0.0
targets: [openai:gpt-sim-mini]
defaults: {samples: 3, max_output_tokens: 12}
cases:
  - id: one
    messages: [{role: user, content: Say something about the harbour.}]
    metrics: [text]
"""
TRIALS = 3
EIO, ENOSPC = 5, 28
COULD_NOT_MEASURE = 4


@pytest.fixture(scope="module")
def fiu_run(missing_part):
    found = shutil.which("fiu-run")
    if found is None:
        missing_part("libfiu", "there is no fiu-run (Debian: fiu-utils)")
    return found


@pytest.fixture
def project(tmp_path):
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "faults.contract.yaml").write_text(SUITE)
    return tmp_path


@pytest.fixture
def command(project, provider, disk_secret, fiu_run):
    """Start ``contractcheck``, with some calls failing or (no faults) on a machine that is well."""

    def start(*arguments, faults=()):
        own = [
            sys.executable,
            "-m",
            "contractcheck.cli",
            *arguments,
            "--base-url",
            provider.base_url,
        ]
        if faults:
            orders = [f"enable name=posix/io/{call},failinfo={number}" for call, number in faults]
            said = [word for order in orders for word in ("-c", order)]
            own = [fiu_run, "-x", "-f", "", *said, *own]
        env = {**os.environ, "OPENAI_API_KEY": disk_secret}
        done = subprocess.run(
            own, cwd=project, env=env, capture_output=True, text=True, timeout=60, check=False
        )
        assert "Traceback" not in done.stderr
        return done

    yield start
    for path in project.rglob("*"):
        assert not path.is_file() or disk_secret.encode() not in path.read_bytes()


def runs_of(project):
    return [path.parent for path in project.rglob("header.json")]


def told(done, words):
    """What the command said of the fault: in one piece, and with what to do."""
    said = " ".join(done.stderr.split())
    assert done.returncode == COULD_NOT_MEASURE, said
    assert re.search(words, said), said


def test_a_run_goes_through_every_refusal_and_loses_no_answer(project, command):
    """Confirmed neither one by one nor at the end, renamed by nobody; then all is well."""
    refused = command("run", "--fsync", "each", faults=[("sync/fdatasync", EIO)])
    told(refused, r"Input/output error.*mend the disk, then resume the run")
    (folder,) = runs_of(project)

    refused = command("run", "--resume", folder.name, faults=[("sync/fsync", EIO)])
    told(refused, r"Input/output error.*every exchange before it is kept")
    recorded = read_run(folder).exchanges
    assert len(recorded) == TRIALS
    assert not is_sealed(folder)

    refused = command("run", "--resume", folder.name, faults=[("dir/rename", EIO)])
    told(refused, r"Input/output error")
    assert not is_sealed(folder)
    assert read_run(folder).exchanges == recorded

    assert command("run", "--resume", folder.name).returncode in {0, 1, 2}
    assert is_sealed(folder)
    assert read_run(folder).exchanges == recorded
    assert not list(folder.glob("*.tmp"))


def test_where_no_file_can_take_its_name_nothing_is_asked(project, command, provider):
    before = provider.request_count
    told(command("run", faults=[("dir/rename", ENOSPC)]), r"No space left on device")
    assert provider.request_count == before
    assert not any(is_sealed(folder) for folder in runs_of(project))
