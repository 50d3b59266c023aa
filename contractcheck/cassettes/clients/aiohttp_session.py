"""aiohttp, and what sends through it (google-genai, litellm, httpx-aiohttp).

One attempt asks the connector for one connection: ``BaseConnector.connect`` is the only method
replaced. Recording looks at the bytes that aiohttp's own response parser gets; replaying returns
a connection without a socket and feeds that parser the recorded bytes. So redirects, cookies,
decompression, timeouts and every way to read a body stay aiohttp's own.

Before aiohttp 3.12 a request body cannot be read without using it up, so nothing is intercepted
there (strict sessions refuse its connections).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.cassettes.clients.aiohttp_played import played_connection
from contractcheck.cassettes.clients.aiohttp_watch import watch
from contractcheck.cassettes.played import Played
from contractcheck.cassettes.session import Outgoing
from contractcheck.cassettes.socket_guard import making_call
from contractcheck.cassettes.trial import SLOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import BaseConnector, ClientRequest, ClientTimeout
    from aiohttp.connector import Connection
    from aiohttp.payload import Payload
    from aiohttp.tracing import Trace

    from contractcheck.cassettes.clients import Patch
    from contractcheck.cassettes.session import Session


def patches(session: Session, library: str) -> Sequence[Patch]:
    """Intercept the connectors of aiohttp, version 3.12 or later."""
    from aiohttp import BaseConnector
    from aiohttp.payload import Payload

    if not hasattr(Payload, "as_bytes"):
        return ()
    original = BaseConnector.connect

    async def connect(
        connector: BaseConnector,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - the signature of aiohttp
    ) -> Connection:
        body = b"" if SLOT.get() is None else await _read(req.body)
        outgoing = Outgoing(
            method=req.method, url=str(req.url), headers=tuple(req.headers.items()), body=body
        )
        begun = session.begin(outgoing, via=library)
        if isinstance(begun, Played):
            return await played_connection(begun, connector, req)
        with making_call():
            if begun is None:
                return await original(connector, req, traces, timeout)
            try:
                connection = await original(connector, req, traces, timeout)
            except BaseException as error:
                begun.fail(error)
                raise
        begun.on_sent()
        watch(connection, req.method, begun)
        return connection

    return ((BaseConnector, "connect", connect),)


async def _read(body: Payload | bytes) -> bytes:
    """All of a body; aiohttp keeps what it read of a stream, and sends that."""
    return body if isinstance(body, bytes) else await body.as_bytes()
