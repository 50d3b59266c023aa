"""A scripted HTTP server on loopback, and the recording that a test fills."""

import contextlib
import re
import socket
import threading

import pytest

from contractcheck.cassettes import MemoryTape

TURN_S = 10.0


class ScriptedServer:
    """Answers each path with the parts that were scripted for it, and then closes.

    Between two parts of a script it waits until the client called ``next_part``: a recorder that
    buffers would never let the client call it.
    """

    def __init__(self):
        self.scripts = {}
        self.requests = []
        self.keeps_alive = False
        self._turn = threading.Semaphore(0)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def next_part(self):
        self._turn.release()

    def stop(self):
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, contextlib.suppress(OSError, ValueError):
            file = connection.makefile("rb")
            while self._answer(connection, file) and self.keeps_alive:
                pass
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.2)
            connection.recv(1)  # let the client close first

    def _answer(self, connection, file):
        start = file.readline()
        head = b"".join(iter(file.readline, b"\r\n")) if start else b""
        length = re.search(rb"(?i)content-length: (\d+)", head)
        body = file.read(int(length[1])) if length else b""
        if re.search(rb"(?i)transfer-encoding: chunked", head):
            while size := int(file.readline(), 16):
                body += file.read(size)
                file.readline()
            file.readline()
        if not start:
            return False
        path = start.split()[1].decode()
        self.requests.append((path, body))
        script = self.scripts[path]
        for number, part in enumerate(script(body) if callable(script) else script):
            if number and not self._turn.acquire(timeout=TURN_S):
                return False  # nobody reads: cut it off, so that the test fails soon
            connection.sendall(part)
        return True


@pytest.fixture
def server():
    serving = ScriptedServer()
    yield serving
    serving.stop()


class Memory(list):
    """A sink that keeps what it is given."""

    @property
    def tape(self):
        return MemoryTape.of(self)


@pytest.fixture
def sink():
    return Memory()


@pytest.fixture
def closed_port():
    """A port that refuses, and stays refused: bound, but nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
