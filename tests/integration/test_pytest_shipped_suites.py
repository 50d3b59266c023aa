"""The suites that are shipped pass on the recordings that are shipped, with the network cut."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITES = ROOT / "suites"
REPLAY = [
    *(sys.executable, "-m", "pytest", "--contract", "--contract-strict", str(SUITES)),
    *("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio"),
]


def replay(*before: str) -> "subprocess.CompletedProcess[str]":
    kept = {k: v for k, v in os.environ.items() if not k.endswith(("_KEY", "_TOKEN"))}
    return subprocess.run(
        [*before, *REPLAY],
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def files():
    folders = (SUITES, ROOT / "cassettes")
    return {path: path.read_bytes() for f in folders for path in f.rglob("*") if path.is_file()}


def test_they_pass_and_nothing_is_written():
    before = files()
    done = replay()
    assert done.returncode == 0, done.stdout
    pairs = [line for line in done.stdout.splitlines() if "the provider was not asked" in line]
    assert len(pairs) == 4, done.stdout
    assert all("simulated" in line for line in pairs), "recordings must say where they come from"
    assert files() == before


def test_they_pass_with_the_network_cut():
    cut = ["unshare", "-n", "--"]
    if subprocess.run([*cut, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not cut a process off the network (unshare -n)")
    done = replay(*cut)
    assert done.returncode == 0, done.stdout
