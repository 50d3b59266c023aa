"""A connection that no recorder sees is refused; everything else is left alone."""

import asyncio
import contextlib
import contextvars
import socket
import threading
from unittest import mock

import pytest

from contractcheck.cassettes import MemoryTape, recording, replaying
from contractcheck.cassettes.socket_guard import guard_patches, making_call
from contractcheck.errors import UnseenCallError
from contractcheck.redaction import Scrubber


@contextlib.contextmanager
def guarding(**options):
    with contextlib.ExitStack() as stack:
        for owner, name, replacement in guard_patches(**options):
            stack.enter_context(mock.patch.object(owner, name, replacement))
        yield


@pytest.fixture
def port():
    """A listening port; connections are accepted by the kernel alone."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def connect(port):
    socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_an_unseen_connection_is_refused_with_its_address_and_what_to_do(port):
    with guarding(), pytest.raises(UnseenCallError) as refusal:
        connect(port)
    assert f"127.0.0.1:{port}" in str(refusal.value)
    assert "allow_hosts=['127.0.0.1']" in str(refusal.value)


def test_connect_ex_is_refused_too(port):
    with guarding(), socket.socket() as sock, pytest.raises(UnseenCallError):
        sock.connect_ex(("127.0.0.1", port))


def test_asyncio_connections_are_refused(port):
    async def ask():
        await asyncio.open_connection("127.0.0.1", port)

    with guarding(), pytest.raises(UnseenCallError):
        asyncio.run(ask())


def test_what_an_adapter_calls_passes_in_its_own_context_only(port):
    refused = []

    def elsewhere():
        try:
            connect(port)
        except UnseenCallError as error:
            refused.append(error)

    with guarding(), making_call():
        connect(port)
        thread = threading.Thread(target=contextvars.Context().run, args=(elsewhere,))
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_tasks_of_an_adapter_pass_because_they_inherit_its_context(port):
    async def ask():
        with making_call():
            task = asyncio.create_task(asyncio.open_connection("localhost", port))
        _, writer = await task
        writer.close()
        await writer.wait_closed()
        return "passed"

    with guarding():
        assert asyncio.run(ask()) == "passed"


@pytest.mark.parametrize("allowed", ["127.0.0.1", "localhost"])
def test_allowed_hosts_pass_by_name_and_by_address(port, allowed):
    with guarding(allow_hosts=[allowed]):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            assert sock.getpeername() == ("127.0.0.1", port)
        with pytest.raises(UnseenCallError):
            socket.create_connection(("192.0.2.1", port), timeout=5)


def test_an_allowed_host_that_no_resolver_knows_is_no_error():
    with guarding(allow_hosts=["nowhere.invalid"]), pytest.raises(UnseenCallError):
        connect(9)


def test_unix_sockets_pass(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        with guarding(), socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)
            assert sock.getpeername() == path


def test_the_guard_leaves_nothing_behind(port):
    with guarding():
        assert "connect" in vars(socket.socket)
    assert not {"connect", "connect_ex"} & set(vars(socket.socket))
    connect(port)


def test_a_refusal_that_its_caller_swallowed_is_told_at_the_end_of_the_session(port):
    with pytest.raises(UnseenCallError, match=f"127.0.0.1:{port}"):
        swallow_in_replay(port)


def test_a_refusal_in_a_recording_is_told_only_when_it_is_strict(port):
    scrubber = Scrubber.for_secrets(())
    with recording([], scrubber):
        connect(port)
    with (
        pytest.raises(UnseenCallError),
        recording([], scrubber, strict=True),
        contextlib.suppress(Exception),
    ):
        connect(port)


def swallow_in_replay(port):
    with replaying(MemoryTape.of([]), Scrubber.for_secrets(())), contextlib.suppress(Exception):
        connect(port)
