"""One line of a recording: exchange ↔ JSON, byte-exact.

Members are strictly typed: whatever is accepted here can be trusted to be what its type says, and
no deeper than two lists.
"""

from __future__ import annotations

import base64
import hashlib
import re
from operator import itemgetter
from typing import TYPE_CHECKING, cast, get_args

import orjson

from contractcheck.model.exchange import Ending, Exchange, Request, Response
from contractcheck.redaction import Searched
from contractcheck.repeats import join_repeats, split_repeats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.exchange import Headers
    from contractcheck.model.json_value import JsonObject, JsonValue

    _Members = tuple[int, int, int, int, int, int, str, Ending, str, str]

_EXCHANGE_KEY = re.compile(rb'\{"res":"([0-9A-Za-z-]+)","trial":(\d{1,18}),"attempt":(\d{1,18}),')
_REQUEST_KEY = re.compile(rb'\{"req":"([0-9A-Za-z-]+)",')
_BODY = re.compile(rb',"body":(?:"|\{"join":)')

_PAIR = 2
_MEMBERS = itemgetter(
    *("trial", "attempt", "waited_us", "end_us", "lag_us", "held_us", "at", "ended", "via", "note")
)
_TYPES = (*(int,) * 6, *(str,) * 4)
_ENDINGS = frozenset(get_args(Ending))


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
            "body": _encode_plain(request.body),
        }
    )


def exchange_line(exchange: Exchange) -> bytes:
    """Encode an exchange; its request is named by digest.

    Raises:
        ValueError: If the chunks do not add up to the body: nothing could read the line again.
    """
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
        "held_us": exchange.held_us,
        "ended": exchange.ended,
        "error": exchange.error,
        "via": exchange.via,
        "note": exchange.note,
    }
    if response is not None:
        _check_chunks(response)
        line |= {
            "status": response.status,
            "reason": response.reason,
            "http": response.http_version,
            "headers": response.headers,
            "chunk_bytes": response.chunk_bytes,
            "chunk_times_us": response.chunk_times_us,
            "body": _encode_answer(response.body),
        }
    return orjson.dumps(line)


def envelope(line: bytes) -> bytes:
    """Return a line that we wrote up to its body, which is its last member and a text.

    Inside a string every quote is escaped, so no other place looks like this one.
    """
    found = _BODY.search(line)
    return line[: found.start()] if found else line


def body_of(line: bytes) -> bytes | None:
    """The body that a line holds, however it is spelled; None of anything but a line of ours."""
    try:
        document = orjson.loads(line)
        is_ours = isinstance(document, dict) and ("res" in document or "req" in document)
        return _decode_body(document["body"]) if is_ours else None
    except (KeyError, ValueError):
        return None


def written_key(line: bytes) -> str | tuple[str, int, int] | None:
    """Digest of a request line, or digest, trial and attempt of an exchange line, not parsed.

    None when the line does not begin as we write it. Whoever decodes the line later compares: JSON
    may repeat a member.
    """
    if found := _EXCHANGE_KEY.match(line):
        digest, trial, attempt = found.groups()
        return digest.decode("ascii"), int(trial), int(attempt)
    if found := _REQUEST_KEY.match(line):
        return found[1].decode("ascii")
    return None


def parsed_key(line: JsonObject) -> str | tuple[str, int, int]:
    """As ``written_key``, of a line that was parsed.

    Raises:
        KeyError: If a member is missing.
        ValueError: If one is of another type than it must be.
    """
    if "req" in line:
        return _text(line["req"])
    return _text(line["res"]), _integer(line["trial"]), _integer(line["attempt"])


def decode_request(line: JsonObject) -> Request:
    """Decode a request line (keys as ``request_line`` writes them).

    Raises:
        KeyError: If a member is missing.
        ValueError: If one is of another type than it must be.
    """
    return Request(
        method=_text(line["method"]),
        url=_text(line["url"]),
        headers=_headers(line["headers"]),
        body=_decode_plain(line["body"]),
        digest=_text(line["req"]),
    )


def decode_exchange(line: JsonObject, case: str, requests: Mapping[str, Request]) -> Exchange:
    """Decode an exchange line.

    Raises:
        KeyError: If a member is missing.
        ValueError: If one is of another type than it must be, or the request was never written.
    """
    digest = _text(line["res"])
    if digest not in requests:
        raise ValueError(f"exchange of an unknown request {digest[:40]!r}")
    members: _Members = _MEMBERS(line)
    if tuple(map(type, members)) != _TYPES:  # all at once: a replay waits for every call
        _refuse_types(members)
    trial, attempt, waited_us, end_us, lag_us, held_us, at, ended, via, note = members
    if ended not in _ENDINGS:
        raise ValueError(f"{_shown(ended)} is no way in which a body ends")
    return Exchange(
        case=case,
        trial=trial,
        attempt=attempt,
        request=requests[digest],
        response=_response(line) if "status" in line else None,
        started_at=at,
        waited_us=waited_us,
        headers_us=None if line["headers_us"] is None else _integer(line["headers_us"]),
        end_us=end_us,
        ended=ended,
        error=None if line["error"] is None else _text(line["error"]),
        lag_us=lag_us,
        held_us=held_us,
        via=via,
        note=note,
    )


def _refuse_types(members: tuple[JsonValue, ...]) -> None:
    for value, wanted in zip(members, _TYPES, strict=True):
        (_integer if wanted is int else _text)(value)


def _response(line: JsonObject) -> Response:
    response = Response(
        status=_integer(line["status"]),
        reason=_text(line["reason"]),
        http_version=_text(line["http"]),
        headers=_headers(line["headers"]),
        body=_decode_body(line["body"]),
        chunk_bytes=_integers(line["chunk_bytes"]),
        chunk_times_us=_integers(line["chunk_times_us"]),
    )
    _check_chunks(response)
    return response


def _check_chunks(response: Response) -> None:
    lengths = response.chunk_bytes
    are_paired = len(lengths) == len(response.chunk_times_us)
    if not are_paired or sum(lengths) != len(response.body) or min(lengths, default=0) < 0:
        raise ValueError("the chunks do not add up to the body")


def _encode_plain(body: bytes) -> str | dict[str, object]:
    """Text as text, so that diffs and secret scanners can read it; else base64."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(body).decode()}


def _encode_answer(body: bytes) -> str | dict[str, object]:
    """The same, but for text of which much repeats: that in parts."""
    plain = _encode_plain(body)
    if not isinstance(plain, str):
        return plain
    found = body.repeats if isinstance(body, Searched) else split_repeats(plain)
    return plain if found is None else {"join": found.joint, "parts": found.parts}


def _decode_plain(value: JsonValue) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict):
        return base64.b64decode(_text(value["b64"]), validate=True)
    raise ValueError("a body is neither text nor base64")


def _decode_body(value: JsonValue) -> bytes:
    if isinstance(value, dict) and "join" in value:
        return join_repeats(_text(value["join"]), value["parts"])
    return _decode_plain(value)


def _text(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(f"expected a text, got {_shown(value)}")


def _integer(value: JsonValue) -> int:
    if type(value) is int:
        return value
    raise ValueError(f"expected an integer, got {_shown(value)}")


def _integers(value: JsonValue) -> tuple[int, ...]:
    # All at once: a stream has hundreds of these, and a replay waits for them.
    if isinstance(value, list) and [*map(type, value)].count(int) == len(value):
        return tuple(cast("list[int]", value))
    raise ValueError("expected a list of integers")


def _headers(value: JsonValue) -> Headers:
    if isinstance(value, list):
        return tuple(map(_header, value))
    raise ValueError("expected a list of headers")


def _header(value: JsonValue) -> tuple[str, str]:
    if isinstance(value, list) and len(value) == _PAIR:
        name, text = value
        if isinstance(name, str) and isinstance(text, str):
            return name, text
    raise ValueError("a header is not a pair of name and value")


def _shown(value: JsonValue) -> str:
    """A value for an error text: short, and never a structure that somebody nested deeply."""
    if isinstance(value, list | dict):
        return f"a {type(value).__name__}"
    return repr(value)[:40]
