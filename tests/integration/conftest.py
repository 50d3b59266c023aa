"""A disk that fails where it is told to, and a process that works on it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contractcheck.simulator import Conditions, Simulator

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def disk_secret():
    """The credential with which the process asks; it has to reach no disk."""
    return "sk-proj-disk" + "0123456789abcdefghij"


@pytest.fixture(scope="session")
def faulty_disk(tmp_path_factory, missing_part):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        missing_part("cc", "a disk that fails on demand needs a C compiler")
    library = tmp_path_factory.mktemp("library") / "faulty_disk.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "faulty_disk.c", "-ldl"]
    subprocess.run(command, check=True)
    return library


@pytest.fixture(scope="session")
def provider():
    with Simulator(Conditions(night="2026-03-01", time_scale=0.0)) as running:
        yield running


@pytest.fixture(scope="session")
def driver(faulty_disk, disk_secret):
    """A process that obeys; see disk_driver.py."""
    env = {**os.environ, "OPENAI_API_KEY": disk_secret, "LD_PRELOAD": str(faulty_disk)}
    command = [sys.executable, HERE / "disk_driver.py"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    ) as process:

        def obey(*orders):
            process.stdin.write(json.dumps(orders) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield obey
        process.stdin.close()
