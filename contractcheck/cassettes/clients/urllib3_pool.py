"""urllib3, and so requests and botocore: one attempt is one ``_make_request`` of a pool.

Retries, redirects and the wrapping of errors happen above it, decoding beside it: all of that
stays urllib3's own. Recording looks at the socket file that ``http.client`` reads from;
replaying gives ``http.client`` a socket that holds the recorded answer.

``_make_request`` is not public, but has kept its meaning since urllib3 2.0; with urllib3 1 it
means something else, so nothing is intercepted there (strict sessions refuse its connections).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

from contractcheck.cassettes.clients.urllib3_played import answer
from contractcheck.cassettes.clients.urllib3_watch import watch
from contractcheck.cassettes.played import Played
from contractcheck.cassettes.session import Outgoing
from contractcheck.cassettes.socket_guard import making_call
from contractcheck.cassettes.trial import SLOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from typing_extensions import Buffer
    from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection

    from contractcheck.cassettes.clients import Patch
    from contractcheck.cassettes.session import Session

    Send = Callable[..., HTTPResponse]
    Body = bytes | str | io.IOBase | Iterable[bytes | str] | None


def patches(session: Session, _library: str) -> Sequence[Patch]:
    """Intercept the connection pools of urllib3, version 2 or later."""
    from urllib3._version import __version__
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    if __version__.startswith("1."):
        return ()
    interceptor = _Interceptor(
        session=session,
        make_request=cast("Send", HTTPConnectionPool._make_request),  # noqa: SLF001 - see the module text
        open_tunnel=HTTPSConnectionPool._prepare_proxy,  # noqa: SLF001 - see the module text
    )

    def _make_request(
        pool: HTTPConnectionPool,
        conn: HTTPConnection,
        method: str,
        url: str,
        body: Body = None,
        **options: object,
    ) -> HTTPResponse:
        return interceptor.attempt(pool, conn, method=method, url=url, body=body, options=options)

    def _prepare_proxy(_pool: HTTPSConnectionPool, conn: HTTPSConnection) -> None:
        # Put off until it is known whether anything is sent at all.
        interceptor.tunnels.add(conn)

    return (
        (HTTPConnectionPool, "_make_request", _make_request),
        (HTTPSConnectionPool, "_prepare_proxy", _prepare_proxy),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Interceptor:
    """What stands in the place of two methods of connection pools.

    Attributes:
        session: Decides.
        make_request: The original.
        open_tunnel: The original that connects through a proxy.
        tunnels: Connections that need a tunnel and have none yet.
    """

    session: Session
    make_request: Send
    open_tunnel: Callable[[HTTPSConnectionPool, HTTPSConnection], None]
    tunnels: set[HTTPConnection] = field(default_factory=set)

    def attempt(
        self,
        pool: HTTPConnectionPool,
        conn: HTTPConnection,
        *,
        method: str,
        url: str,
        body: Body,
        options: dict[str, object],
    ) -> HTTPResponse:
        """Make one attempt, or play it."""
        content, body = (b"", body) if SLOT.get() is None else _read(body)
        headers = _pairs(cast("Mapping[str, str | bytes]", options.get("headers") or {}))
        outgoing = Outgoing(method=method, url=_url(pool, url), headers=headers, body=content)

        def send(**changed: object) -> HTTPResponse:
            given = {"body": body, **options, **changed}
            return self.make_request(pool, conn, method, url, **given)

        def send_live(**changed: object) -> HTTPResponse:
            with making_call():
                if needs_tunnel:
                    self.open_tunnel(
                        cast("HTTPSConnectionPool", pool), cast("HTTPSConnection", conn)
                    )
                return send(**changed)

        needs_tunnel = conn in self.tunnels
        self.tunnels.discard(conn)
        begun = self.session.begin(outgoing, via=type(pool).__module__.partition(".")[0])
        if begun is None:
            return send_live()
        if isinstance(begun, Played):
            # It goes nowhere, so it may be bare; "Expect: 100-continue" would wait for an answer.
            return answer(begun, pool, conn, url, partial(send, body=None, headers={}))
        return watch(begun, conn, method, send_live, preload=options.get("preload_content", True))


def _read(body: Body) -> tuple[bytes, Body]:
    """Return all of a body, and a body that sends the same bytes in the same way."""
    if body is None or isinstance(body, bytes | str):
        return _as_bytes(body or b""), body
    if hasattr(body, "read"):
        content = _as_bytes(cast("io.IOBase", body).read())
        return content, io.BytesIO(content)
    try:
        return bytes(memoryview(cast("Buffer", body))), body
    except TypeError:
        parts = [_as_bytes(part) for part in body]
        return b"".join(parts), parts


def _as_bytes(text: bytes | str) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _url(pool: HTTPConnectionPool, url: str) -> str:
    """Absolute URL; a forwarding proxy is asked with one already."""
    if not url.startswith("/"):
        return url
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    return f"{pool.scheme}://{host}{f':{pool.port}' if pool.port else ''}{url}"


def _pairs(headers: Mapping[str, str | bytes]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(name), value.decode("latin-1") if isinstance(value, bytes) else str(value))
        for name, value in headers.items()
    )
