"""Ask a token server: one request, bounded, without proxies, cookies or redirects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2

from contractcheck.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_BYTES = 1 << 20
"""Of an answer: the largest tokens in use have some ten thousand."""

_LIMIT_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a token server answered; shows nothing, because it holds a token.

    Attributes:
        status: HTTP status code.
        headers: Names in lower case.
        body: At most 1 MiB.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def ask_token_server(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes, limit_s: float = _LIMIT_S
) -> Reply:
    """Send one request; a redirect is an answer like any other, and is not followed.

    Args:
        method: Upper case.
        url: Absolute.
        headers: To send.
        body: To send.
        limit_s: Longest silence (s).

    Raises:
        MeasurementError: If no whole answer came, or one of more than 1 MiB. Names the host, and
            nothing of what was sent.
    """
    reply = _ask(method, url, headers, body, limit_s)
    if isinstance(reply, str):
        raise MeasurementError(f"no token: {urlsplit(url).hostname or 'the token server'} {reply}")
    return reply


def _ask(
    method: str, url: str, headers: Mapping[str, str], body: bytes, limit_s: float
) -> Reply | str:
    """The answer, or what was wrong with it. Raises nothing: a traceback would show arguments."""
    read = bytearray()
    try:
        with (
            # The proxies of the environment would see the credential without being named.
            httpx2.Client(trust_env=False, timeout=limit_s, follow_redirects=False) as client,
            client.stream(method, url, headers=dict(headers), content=body) as response,
        ):
            for piece in response.iter_bytes():
                read += piece
                if len(read) > _MOST_BYTES:
                    return "answered with more than 1 MiB"
            return Reply(
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=bytes(read),
            )
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return f"could not be asked ({type(error).__name__})"
