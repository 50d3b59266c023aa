"""Exchanges → a standard vcrpy cassette that stock vcrpy (9.4.2) replays.

What such a file cannot hold is lost: times, chunk bounds, HTTP version, the order of header
names, all but the first value of a repeated request header, trial and attempt (interactions
stand in that order, and vcrpy plays equal requests in file order), and attempts without a whole
response, which are left out. A compressed body keeps its coding, except of a client that stock
vcrpy gives decoded bodies only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from contractcheck.content_coding import decode_body
from contractcheck.errors import ContentCodingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.model.exchange import Exchange, Headers, Response

VcrFormat = Literal["yaml", "json"]


def is_exportable(exchange: Exchange) -> bool:
    """Whether a cassette can hold it: it has a response, and that was not cut off."""
    return exchange.response is not None and exchange.ended != "error"


def write_cassette(exchanges: Sequence[Exchange], *, style: VcrFormat) -> bytes:
    """Write the exportable ones among some exchanges, in the order given.

    Args:
        exchanges: Of one case, in the order in which they are to be replayed.
        style: ``yaml`` holds any body; ``json`` only UTF-8 (as vcrpy itself).

    Raises:
        UsageError: If ``json`` cannot hold a body.
    """
    from vcr.serializers import jsonserializer, yamlserializer

    interactions = [
        _interaction(exchange, exchange.response, style)
        for exchange in exchanges
        if exchange.response is not None and is_exportable(exchange)
    ]
    document = {"version": 1, "interactions": interactions}
    serializer = jsonserializer if style == "json" else yamlserializer
    return str(serializer.serialize(document)).encode()


def _interaction(exchange: Exchange, response: Response, style: VcrFormat) -> dict[str, object]:
    place = f"{exchange.case}, trial {exchange.trial}"
    request = exchange.request
    if exchange.via in _DECODED:
        response = _decoded(response)
    return {
        "request": {
            "method": request.method,
            "uri": request.url,
            "body": _body(request.body, style, f"{place}: request") if request.body else None,
            "headers": {name: values[:1] for name, values in _grouped(request.headers).items()},
        },
        "response": {
            "status": {"code": response.status, "message": response.reason},
            "headers": _grouped(response.headers),
            "body": {"string": _body(response.body, style, f"{place}: response")},
        },
    }


_DECODED = frozenset({"urllib3", "requests", "botocore"})
"""Clients whose stock stub plays a body as it stands, without undoing its coding."""


def _decoded(response: Response) -> Response:
    """Undo the coding, and drop the headers that would be wrong then; as it is if that fails."""
    coding = ",".join(v for name, v in response.headers if name.lower() == "content-encoding")
    try:
        body = decode_body(response.body, coding)
    except ContentCodingError:
        return response
    stale = ("content-encoding", "content-length") if coding else ()
    headers = tuple(header for header in response.headers if header[0].lower() not in stale)
    return replace(response, body=body, headers=headers)


def _grouped(headers: Headers) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def _body(body: bytes, style: VcrFormat, place: str) -> str | bytes:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        if style == "yaml":
            return body
        raise UsageError(
            f"{place} body is not UTF-8 (byte {error.start}), which vcrpy's JSON cannot hold; "
            "export as yaml"
        ) from None
    # YAML's line and page marks are where its readers differ: as bytes they come back as they are.
    return text if style == "json" or _is_plain(text) else body


def _is_plain(text: str) -> bool:
    return not _SPECIAL & set(text) and all(sign.isprintable() or sign in "\n\t\r" for sign in text)


_SPECIAL = frozenset("\x85\u2028\u2029\ufeff")
