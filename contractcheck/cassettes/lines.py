"""One journal line: exchange ↔ JSON, byte-exact, and the hash chain of an open journal."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, cast, get_args

import orjson

from contractcheck.errors import RecordingError
from contractcheck.model.exchange import Ending, Exchange, Request, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.exchange import Headers
    from contractcheck.model.json_value import JsonObject, JsonValue

FORMAT = 1
"""Version of the line format; readers refuse newer ones and must load every older one."""

_CHAIN_KEY = b',"chain":"'
_CHAIN_HEX = 32
_CHAIN_BYTES = len(_CHAIN_KEY) + _CHAIN_HEX + len(b'"}')


def request_digest(method: str, url: str, body: bytes) -> str:
    """Identity of a request: blake2b-128 over method, URL and canonical JSON body, as hex."""
    try:
        canonical = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # not JSON, or nested too deeply
        canonical = body
    material = b"\0".join((method.upper().encode(), url.encode(), canonical))
    return hashlib.blake2b(material, digest_size=16).hexdigest()


def request_line(request: Request) -> bytes:
    """Encode a request; written once per journal and distinct request."""
    return orjson.dumps(
        {
            "req": request.digest,
            "method": request.method,
            "url": request.url,
            "headers": request.headers,
            "body": _encode_body(request.body),
        }
    )


def exchange_line(exchange: Exchange) -> bytes:
    """Encode an exchange; its request is named by digest."""
    response = exchange.response
    line: dict[str, object] = {
        "res": exchange.request.digest,
        "trial": exchange.trial,
        "attempt": exchange.attempt,
        "at": exchange.started_at,
        "waited_us": exchange.waited_us,
        "headers_us": exchange.headers_us,
        "end_us": exchange.end_us,
        "lag_us": exchange.lag_us,
        "ended": exchange.ended,
        "error": exchange.error,
    }
    if response is not None:
        line |= {
            "status": response.status,
            "http": response.http_version,
            "headers": response.headers,
            "chunk_bytes": response.chunk_bytes,
            "chunk_times_us": response.chunk_times_us,
            "body": _encode_body(response.body),
        }
    return orjson.dumps(line)


def decode_request(line: JsonObject) -> Request:
    """Decode a request line (keys as ``request_line`` writes them)."""
    return Request(
        method=str(line["method"]),
        url=str(line["url"]),
        headers=_headers(line["headers"]),
        body=_decode_body(line["body"]),
        digest=str(line["req"]),
    )


def decode_exchange(line: JsonObject, case: str, requests: Mapping[str, Request]) -> Exchange:
    """Decode an exchange line.

    Raises:
        RecordingError: If its request was never written.
    """
    digest = str(line["res"])
    if digest not in requests:
        raise RecordingError(f"exchange of an unknown request {digest}")
    return Exchange(
        case=case,
        trial=_integer(line["trial"]),
        attempt=_integer(line["attempt"]),
        request=requests[digest],
        response=_response(line) if "status" in line else None,
        started_at=str(line["at"]),
        waited_us=_integer(line["waited_us"]),
        headers_us=None if line["headers_us"] is None else _integer(line["headers_us"]),
        end_us=_integer(line["end_us"]),
        ended=_ending(line["ended"]),
        error=None if line["error"] is None else str(line["error"]),
        lag_us=_integer(line["lag_us"]),
    )


def _ending(value: JsonValue) -> Ending:
    if value in get_args(Ending):
        return cast("Ending", value)
    raise RecordingError(f"{value!r} is no way in which a body ends")


def _response(line: JsonObject) -> Response:
    response = Response(
        status=_integer(line["status"]),
        http_version=str(line["http"]),
        headers=_headers(line["headers"]),
        body=_decode_body(line["body"]),
        chunk_bytes=_integers(line["chunk_bytes"]),
        chunk_times_us=_integers(line["chunk_times_us"]),
    )
    chunks, times = len(response.chunk_bytes), len(response.chunk_times_us)
    if chunks != times or sum(response.chunk_bytes) != len(response.body):
        raise RecordingError("the chunks do not add up to the body")
    return response


def _encode_body(body: bytes) -> str | dict[str, str]:
    """Text as text, so that diffs and secret scanners can read it; else base64."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(body).decode()}


def _decode_body(value: JsonValue) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict):
        return base64.b64decode(str(value["b64"]), validate=True)
    raise RecordingError("a body is neither text nor base64")


def _integer(value: JsonValue) -> int:
    if isinstance(value, int):
        return value
    raise RecordingError(f"expected an integer, got {value!r}")


def _integers(value: JsonValue) -> tuple[int, ...]:
    if isinstance(value, list):
        return tuple(_integer(item) for item in value)
    raise RecordingError("expected a list of integers")


def _headers(value: JsonValue) -> Headers:
    if isinstance(value, list):
        return tuple((str(pair[0]), str(pair[1])) for pair in value if isinstance(pair, list))
    raise RecordingError("expected a list of headers")


def chained(line: bytes, previous: str) -> tuple[bytes, str]:
    """Append the chain to a line: blake2b-128 over the previous link and this line's bytes."""
    link = hashlib.blake2b(previous.encode() + line, digest_size=16).hexdigest()
    return line[:-1] + _CHAIN_KEY + link.encode() + b'"}', link


def unchained(line: bytes) -> tuple[bytes, str]:
    """Split a chained line into its plain bytes and its link.

    Raises:
        RecordingError: If the line carries no link.
    """
    tail = line[-_CHAIN_BYTES:]
    if not tail.startswith(_CHAIN_KEY) or not tail.endswith(b'"}'):
        raise RecordingError("the line carries no chain: it was torn or edited")
    return line[:-_CHAIN_BYTES] + b"}", tail[len(_CHAIN_KEY) : -2].decode("ascii", "replace")
