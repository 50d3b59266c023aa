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


@pytest.fixture(scope="session")
def missing_part():
    """``missing``, for tests elsewhere."""
    return missing


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def ended(process, how=signal.SIGTERM):
    """End a server of ours, whatever becomes of the test."""
    try:
        yield process
    finally:
        process.send_signal(how)
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
            command = [Path(found).resolve().with_name("postgres"), "-D", folder / "data", *options]
            server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **other)
        url = f"postgresql://tests:{password}@127.0.0.1:{port}"
        with ended(server, signal.SIGINT):  # does not wait for clients
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

    url = f"{postgres_server}/postgres"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


def serves_s3(program):
    shown = subprocess.run([program, "serve", "s3", "--help"], capture_output=True, check=False)
    return shown.returncode == 0


@pytest.fixture(scope="session")
def s3_server():
    """Settings of a real S3 server (rclone's) that checks signatures, on a free port."""
    program = os.environ.get("CONTRACTCHECK_RCLONE") or shutil.which("rclone")
    if program is None or not serves_s3(program):
        missing("s3", "no S3 server is installed (rclone 1.65 or later was not found)")
    folder = Path(tempfile.mkdtemp(prefix="contractcheck-s3-"))
    port, key, secret = free_port(), secrets.token_hex(8), secrets.token_hex(16)
    command = [program, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key"]
    command += [f"{key},{secret}", "--config", os.devnull, "--cache-dir", folder / "cache"]
    (folder / "data").mkdir()
    try:
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen([*command, folder / "data"], stdout=log, stderr=log)
        with ended(server):
            for _ in range(300):
                try:
                    socket.create_connection(("127.0.0.1", port), 2).close()
                    break
                except ConnectionError:
                    assert server.poll() is None, (folder / "log").read_text()
                    time.sleep(0.1)
            yield {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": key,
                "AWS_SECRET_ACCESS_KEY": secret,
                "AWS_DEFAULT_REGION": "us-east-1",
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def s3_url(s3_server, monkeypatch):
    """URL of an empty bucket; the environment says how to reach it."""
    for name, value in s3_server.items():
        monkeypatch.setenv(name, value)
    import boto3

    bucket = f"b{secrets.token_hex(6)}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    return f"s3://{bucket}"
