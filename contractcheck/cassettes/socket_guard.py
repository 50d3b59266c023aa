"""No call past the recorder: a connection that no client adapter makes is refused.

While a session is strict, ``socket.socket.connect`` and ``connect_ex`` let only those pass that
run inside ``making_call`` (an adapter that records), that go to an allowed host, or that stay on
this machine without a network (unix sockets). asyncio and every client in pure Python connect
through these two methods; C extensions with sockets of their own (gRPC) do not and stay unseen.

What is sent is not looked at. A connection that was open before the session, of a client that is
not intercepted (plain ``http.client``), stays unseen as well, and so do datagrams of a socket that
never connects: at a send, a client's socket cannot be told from one that a server in this process
has accepted. Open such clients inside the session.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

from contractcheck.errors import UnseenCallError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from contractcheck.errors import ContractcheckError

_GUARDED_FAMILIES = frozenset({socket.AF_INET, socket.AF_INET6})

_IS_SEEN: ContextVar[bool] = ContextVar("contractcheck_call_is_seen", default=False)


@contextmanager
def making_call() -> Iterator[None]:
    """An adapter makes a call that its session knows: connections in this context are fine."""
    token = _IS_SEEN.set(True)
    try:
        yield
    finally:
        _IS_SEEN.reset(token)


def guard_patches(
    allow_hosts: Collection[str] = (), refusals: list[ContractcheckError] | None = None
) -> tuple[tuple[type[socket.socket], str, Callable[[socket.socket, object], object]], ...]:
    """Return the patches ``(owner, name, replacement)`` that refuse unseen connections.

    Args:
        allow_hosts: Names or addresses that anybody may connect to, such as a local database.
            Names are looked up once, here.
        refusals: Gets each error too: clients like to swallow and retry.
    """
    allowed = _addresses(allow_hosts)
    refused: list[ContractcheckError] = [] if refusals is None else refusals
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded_connect(self: socket.socket, address: object) -> None:
        _refuse_unseen(self, address, allowed, refused)
        connect(self, address)  # type: ignore[arg-type]  # whatever the caller gave

    def guarded_connect_ex(self: socket.socket, address: object) -> int:
        _refuse_unseen(self, address, allowed, refused)
        return connect_ex(self, address)  # type: ignore[arg-type]  # whatever the caller gave

    return (
        (socket.socket, "connect", guarded_connect),
        (socket.socket, "connect_ex", guarded_connect_ex),
    )


def _refuse_unseen(
    sock: socket.socket,
    address: object,
    allowed: Collection[str],
    refused: list[ContractcheckError],
) -> None:
    if sock.family not in _GUARDED_FAMILIES or _IS_SEEN.get():
        return
    host, port = address[:2] if isinstance(address, tuple) else (address, "?")
    if host in allowed:
        return
    sock.close()  # callers expect an OSError only, and would leak it
    error = UnseenCallError(
        f"refused a connection to {host}:{port}: no recorder sees it, so it would be a live call "
        "that no recording holds. Make the call through a client that is intercepted (httpx, "
        "httpx2, aiohttp, requests, urllib3, boto3) inside a trial; if it is no provider "
        f"(a local database), allow it with allow_hosts=[{host!r}]"
    )
    refused.append(error)
    raise error


def _addresses(hosts: Collection[str]) -> frozenset[str]:
    found = set(hosts)
    for host in hosts:
        with suppress(OSError):  # an unknown name has no address to allow
            found.update(str(entry[4][0]) for entry in socket.getaddrinfo(host, None))
    return frozenset(found)
