"""Ask a token server: one request, bounded, without proxies, cookies or redirects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_BYTES = 1 << 20
"""Of an answer: the largest tokens in use have some ten thousand."""

_LIMIT_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a token server answered; shows nothing, because it holds a token.

    Attributes:
        problem: Why there is no answer, as the end of a sentence; empty when there is one.
        status: HTTP status code; 0 without an answer.
        headers: Names in lower case.
        body: At most 1 MiB.
    """

    problem: str = ""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


def ask_token_server(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes, limit_s: float = _LIMIT_S
) -> Reply:
    """Send one request; a redirect is an answer like any other, and is not followed.

    Never raises: the traceback of an error may show the arguments.

    Args:
        method: Upper case.
        url: Absolute.
        headers: To send.
        body: To send.
        limit_s: Longest silence (s).
    """
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
                    return Reply(problem="answered with more than 1 MiB")
            return Reply(
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=bytes(read),
            )
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Reply(problem=f"could not be asked ({type(error).__name__})")
