"""What every test can rely on."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest


def pytest_configure(config):
    """Let Ctrl-C arrive, in the processes that tests start too; keep out of the user's cache.

    A shell starts its background jobs with SIGINT ignored, and children inherit that: tests of
    interrupts would wait for ever in ``make test &``.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    # What processes share of a provider's limits is shared within one test process only.
    meeting_place = tempfile.mkdtemp(prefix="contractcheck-tests-")
    os.environ["XDG_RUNTIME_DIR"] = meeting_place
    config.add_cleanup(lambda: shutil.rmtree(meeting_place, ignore_errors=True))


def missing(part, why):
    """Skip a test whose server this machine has not, or fail it where it is required."""
    if part in os.environ.get("CONTRACTCHECK_REQUIRE", "").split(","):
        pytest.fail(f"{why}, but {part} is required here")
    pytest.skip(f"{why}; CONTRACTCHECK_REQUIRE={part} makes this a failure")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def ended(process):
    """End a server of ours, whatever becomes of the test."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def postgres_server():
    """Base URL of a real PostgreSQL, started on a free port in a folder of its own."""
    psycopg = pytest.importorskip("psycopg")
    found = shutil.which("initdb") or max(
        map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None
    )
    if found is None:
        missing("postgres", "no PostgreSQL server is installed (initdb was not found)")
    # PostgreSQL refuses to run as root.
    other = {"user": "nobody", "group": "nogroup", "extra_groups": []} if not os.getuid() else {}
    folder = Path(tempfile.mkdtemp(prefix="contractcheck-postgres-"))
    password = secrets.token_hex(8)
    try:
        (folder / "password").write_text(password)
        if other:
            for path in (folder, folder / "password"):
                shutil.chown(path, other["user"], other["group"])
        made = ["-D", folder / "data", "-U", "tests", f"--pwfile={folder / 'password'}"]
        made += ["--auth=scram-sha-256", "--no-sync", "--no-locale", "--encoding=UTF8"]
        subprocess.run([found, *made], check=True, capture_output=True, cwd=folder, **other)
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": folder,
            "fsync": "off",
            "max_connections": 40,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            command = [Path(found).with_name("postgres"), "-D", folder / "data", *options]
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **other)
        url = f"postgresql://tests:{password}@127.0.0.1:{port}"
        with ended(server):
            for _ in range(300):
                try:
                    psycopg.connect(f"{url}/postgres", connect_timeout=2).close()
                    break
                except psycopg.OperationalError:
                    assert server.poll() is None, (folder / "log").read_text()
                    time.sleep(0.1)
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server):
    """URL of an empty database."""
    import psycopg

    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield f"{postgres_server}/{name}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
