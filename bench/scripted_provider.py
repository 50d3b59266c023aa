"""A provider that answers from a script, faster than any client asks, and who watches its sockets.

Each runs in a process of its own, so that it takes no time from the side that is measured.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

FIRST_S, SPREAD_S, EVENT_S, EVENTS = 0.1, 0.1, 0.01, 20
"""A paced answer begins after 100 to 200 ms, and goes on with an event each 10 ms."""
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb"chatcmpl-\d+")


class _Talk(asyncio.Protocol):
    """Requests of one connection, one after the other; the path says how to answer."""

    count = 0
    turnarounds_s: ClassVar[list[float]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.data, self.ended_s = transport, b"", 0.0

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, end, body = self.data.partition(b"\r\n\r\n")
        if not end or len(body) < int(_LENGTH.search(head)[1]):
            return
        self.data = b""
        if self.ended_s:
            _Talk.turnarounds_s.append(time.perf_counter() - self.ended_s)
            self.ended_s = 0.0
        _Talk.count += 1
        pieces = _answer(f"chatcmpl-{_Talk.count:08d}", 2 if b"/tiny/" in head else EVENTS)
        if b"/paced/" not in head:
            self.transport.write(_HEAD + b"".join(pieces))
            return
        self.transport.write(_HEAD)
        loop = asyncio.get_running_loop()
        # The golden ratio spreads any number of answers evenly: real ones do not come in step.
        first_s = FIRST_S + SPREAD_S * (_Talk.count * 0.618034 % 1.0)
        for place, piece in enumerate(pieces):
            loop.call_later(first_s + place * EVENT_S, self.transport.write, piece)
        loop.call_later(first_s + len(pieces) * EVENT_S - EVENT_S, self._end)

    def _end(self) -> None:
        """Its last piece was sent just now."""
        self.ended_s = time.perf_counter()


def _answer(name: str, events: int) -> list[bytes]:
    """Frames of HTTP, each with one event of a chat completion."""
    shared = {"id": name, "object": "chat.completion.chunk", "created": 1, "model": "gpt-sim-mini"}
    deltas = [{"content": f" word{place}"} for place in range(events)]
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    usage = {"prompt_tokens": 9, "completion_tokens": events, "total_tokens": 9 + events}
    texts = [json.dumps({**shared, "choices": [choice]}) for choice in choices]
    texts += [json.dumps({**shared, "choices": [], "usage": usage}), "[DONE]"]
    frames = [f"data: {text}\n\n".encode() for text in texts]
    return [b"%x\r\n%s\r\n" % (len(frame), frame) for frame in frames] + [b"0\r\n\r\n"]


def _tell(pipe: Connection) -> None:
    pipe.recv()
    pipe.send(list(_Talk.turnarounds_s))
    _Talk.turnarounds_s.clear()


async def _serve(port_to: Connection) -> None:
    asyncio.get_running_loop().add_reader(port_to.fileno(), _tell, port_to)
    server = await asyncio.get_running_loop().create_server(_Talk, "127.0.0.1", 0)
    port_to.send(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


def serve(port_to: Connection) -> None:
    """Answer until terminated; tells its port first.

    Then it answers each message with all turnarounds of paced answers since the one before: seconds
    from an answer's last piece to the next request on the same connection.
    """
    asyncio.run(_serve(port_to))


def watch(port_to: Connection, port: int) -> None:
    """Hand bytes on between clients and a port; tells when each first event came.

    Sends its own port, then answers each message with (id of the answer, seconds from the last
    byte of its request to its first event) of all answers since the one before.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    port_to.send(listener.getsockname()[1])
    seen: list[tuple[str, float]] = []

    def accept() -> None:
        while True:
            client, _ = listener.accept()
            provider = socket.create_connection(("127.0.0.1", port))
            for end in (client, provider):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked = [0.0]
            for pump in (_to_provider, _to_client):
                arguments = (client, provider, asked, seen)
                threading.Thread(target=pump, args=arguments, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    while port_to.recv() == "tell":
        port_to.send(list(seen))
        seen.clear()


def _to_provider(client, provider, asked, _seen) -> None:
    while data := client.recv(65536):
        asked[0] = time.perf_counter()
        provider.sendall(data)


def _to_client(client, provider, asked, seen) -> None:
    while data := provider.recv(65536):
        name = _ID.search(data)
        if name and asked[0]:
            seen.append((name[0].decode(), time.perf_counter() - asked[0]))
            asked[0] = 0.0
        client.sendall(data)


@contextmanager
def process_of(target: Callable[..., None], *arguments: object) -> Iterator[tuple[int, Connection]]:
    """Run a function in a fresh process; yields the port that it tells, and a pipe to it."""
    ours, theirs = multiprocessing.Pipe()
    spawning = multiprocessing.get_context("spawn")
    process = spawning.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.terminate()
        process.join()
