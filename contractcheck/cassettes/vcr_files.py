"""Standard vcrpy cassettes, of every layout that vcrpy wrote since 2012, as interactions.

Sources: the serializers, ``migration.py`` and ``stubs/httpx_stubs.py`` of vcrpy 9.4.2, which say
what older releases wrote. Beyond vcrpy three common variants are read: lists of ``requests`` and
``responses`` side by side, packed with gzip (langchain-tests), ``parsed_body`` (the serializer of
pydantic-ai) and typed bodies (cassetter 0.16). The latter two hold JSON as YAML: it is spelled
anew, so such a body is equal, not byte-exact.

A cassette holds no times, no chunks, no HTTP version and no order of header names.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from contractcheck.cassettes.vcr_yaml import Plain, parse_cassette, to_json, to_number
from contractcheck.errors import UsageError
from contractcheck.model.json_text import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.cassettes.vcr_yaml import Value
    from contractcheck.model.exchange import Headers
    from contractcheck.model.json_value import JsonValue

MAX_INTERACTIONS = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Interaction:
    """One request and its response as the file holds them: not redacted.

    Attributes:
        method: Upper case.
        url: Absolute.
        request_headers: As stored; vcrpy keeps the first value of a repeated name.
        request_body: Bytes; empty when there was none.
        status: HTTP status code, 100 to 599.
        reason: Reason phrase, or empty.
        response_headers: As stored; vcrpy's YAML sorts the names.
        response_body: Bytes, still in their content coding unless vcrpy undid it.
    """

    method: str
    url: str
    request_headers: Headers
    request_body: bytes
    status: int
    reason: str
    response_headers: Headers
    response_body: bytes


class _NotThisError(ValueError):
    """What is wrong with one interaction, as a clause; never quotes it: it may hold a key."""


def read_cassette(data: bytes, file: str) -> tuple[Interaction, ...]:
    """Read a vcrpy cassette.

    Args:
        data: Content of the file, YAML or JSON.
        file: Its name, for errors.

    Raises:
        UsageError: If it is no vcrpy cassette or an interaction cannot be read; says which and
            why.
    """
    document = parse_cassette(data, file)
    items = _interactions(document, file)
    if not items:
        raise UsageError(f"{file}: holds no interaction: there is nothing to import")
    if len(items) > MAX_INTERACTIONS:
        raise UsageError(f"{file}: {len(items)} interactions; at most {MAX_INTERACTIONS} are read")
    found = []
    for number, item in enumerate(items, start=1):
        try:
            found.append(_interaction(item))
        except _NotThisError as error:
            raise UsageError(f"{file}: interaction {number}: {error}") from None
    return tuple(found)


def _interactions(document: Value, file: str) -> list[Value]:
    if isinstance(document, list) and document:  # before vcrpy 1.0
        items: Value = document
    elif isinstance(document, dict) and "interactions" in document:
        items = document["interactions"]
    elif isinstance(document, dict) and {"requests", "responses"} <= document.keys():
        items = _side_by_side(document["requests"], document["responses"], file)
    else:
        raise UsageError(f"{file}: not a vcrpy cassette: {_other_file(document)}")
    if items is None:
        return []
    if not isinstance(items, list):
        raise UsageError(f"{file}: not a vcrpy cassette: interactions is not a list")
    other = _other_request(items[0]) if items else None
    if other is not None:
        raise UsageError(f"{file}: not a vcrpy cassette: {other}")
    if isinstance(document, dict) and to_number(document.get("version", 1)) != 1:
        what = str(document["version"])[:40]
        raise UsageError(f"{file}: version {what!r}; vcrpy cassettes are of version 1")
    return items


def _side_by_side(requests: Value, responses: Value, file: str) -> list[Value]:
    if not isinstance(requests, list) or not isinstance(responses, list):
        raise UsageError(f"{file}: not a vcrpy cassette: requests and responses are not lists")
    if len(requests) != len(responses):
        raise UsageError(f"{file}: {len(requests)} requests and {len(responses)} responses")
    return [{"request": a, "response": b} for a, b in zip(requests, responses, strict=True)]


def _other_file(document: Value) -> str:
    """Say what a file without interactions is."""
    if not isinstance(document, dict):
        return "neither a mapping with interactions nor a list of them"
    if "http_interactions" in document:
        is_betamax = str(document.get("recorded_with")).startswith("betamax")
        tool = "Betamax" if is_betamax else "Ruby VCR"
        return f"written by {tool} (http_interactions)"
    if isinstance(document.get("log"), dict):
        return "a HAR file (log.entries)"
    return f"no interactions; its keys are {', '.join(sorted(document)[:5]) or 'none'}"


def _other_request(item: Value) -> str | None:
    """Say whose interaction this is, when it is not vcrpy's; None when it may be."""
    request = item.get("request") if isinstance(item, dict) else None
    if not isinstance(request, dict):
        return "its first interaction has no request"
    if "url" not in request or "uri" in request:
        return None
    if {"form", "proto", "remote_addr", "requesturi"} & set(request):
        return "written by go-vcr (request.url, request.form)"
    return "its requests have a url and no uri, as php-vcr, ExVCR and go-vcr write it"


def _interaction(item: Value) -> Interaction:
    request = _part(item, "request")
    response = _part(item, "response")
    status, reason = _status(response)
    body = response["content"] if "content" in response else response.get("body")
    return Interaction(
        method=_method(request),
        url=_url(request),
        request_headers=_headers(request.get("headers"), "request headers"),
        request_body=_body(request.get("body"), request, "request body"),
        status=status,
        reason=reason,
        response_headers=_headers(response.get("headers"), "response headers"),
        response_body=_body(body, response, "response body"),
    )


def _part(item: Value, name: str) -> dict[str, Value]:
    if not isinstance(item, dict):
        raise _NotThisError("is not a mapping with request and response")
    part = item.get(name)
    if not isinstance(part, dict):
        raise _NotThisError(f"has no {name}")
    return part


def _method(request: dict[str, Value]) -> str:
    method = _text(request.get("method"), "request method").upper()
    if not re.fullmatch(r"[A-Z]{1,20}", method):
        raise _NotThisError("request method is not one")
    return method


def _url(request: dict[str, Value]) -> str:
    if "uri" in request:
        url = _text(request["uri"], "request uri")
    elif "host" in request:  # before vcrpy 1.0
        parts = {name: _text(request.get(name), f"request {name}") for name in ("host", "path")}
        protocol = _text(request.get("protocol"), "request protocol")
        port = to_number(request.get("port"))
        is_default = port in (None, {"https": 443, "http": 80}.get(protocol))
        where = parts["host"] if is_default else f"{parts['host']}:{port}"
        url = f"{protocol}://{where}{parts['path']}"
    else:
        raise _NotThisError("request has no uri")
    if not _is_http(url):
        raise _NotThisError("request uri is not an absolute http(s) address")
    return url


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
    except ValueError:
        return False


_LEAST_STATUS, _MOST_STATUS = 100, 599


def _status(response: dict[str, Value]) -> tuple[int, str]:
    status = response.get("status")
    reason: Value = None
    if isinstance(status, dict):
        code, reason = status.get("code"), status.get("message")
    elif status is None:  # httpx under vcrpy 4 and 5
        code = response.get("status_code", response.get("code"))
    elif isinstance(status, str) and " " in status:
        code, _, reason = status.partition(" ")
    else:
        code = status
    number = to_number(code)
    if number is None or not _LEAST_STATUS <= number <= _MOST_STATUS:
        raise _NotThisError(f"response status {str(code)[:40]!r} is not an HTTP status code")
    return number, "" if reason is None else _text(reason, "response status message")


def _text(value: Value, what: str) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _NotThisError(f"{what} is missing" if value is None else f"{what} is not a text")
    text = str(value)
    if not _is_unicode(text):
        raise _NotThisError(f"{what} holds half of a surrogate pair, which is not text")
    return text


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _headers(value: Value, what: str) -> Headers:
    pairs = tuple(_header_pairs(value, what))
    for name, content in pairs:
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}", name):
            raise _NotThisError(f"{what}: a name that no header can have")
        if re.search(r"[\r\n\0]", content):
            raise _NotThisError(f"{what}: {name} holds a line break")
    return pairs


def _header_pairs(value: Value, what: str) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, dict):
        for name, content in value.items():
            for one in content if isinstance(content, list) else [content]:
                yield name, "" if one is None else _text(one, f"{what}: {name}")
        return
    if not isinstance(value, list):
        raise _NotThisError(f"{what} are neither a mapping nor a list")
    for item in value:
        yield from _header_item(item, what)


def _header_item(item: Value, what: str) -> Iterator[tuple[str, str]]:
    """One entry of a list of headers: a pair, a raw line, or a list of pairs."""
    if isinstance(item, list) and item and isinstance(item[0], list):
        yield from _header_pairs(item, what)
    elif isinstance(item, list) and len(item) == len(("name", "value")):
        yield _text(item[0], what), _text(item[1], what)
    elif isinstance(item, str) and ":" in item:
        name, _, content = item.partition(":")
        yield name.strip(), content.strip()
    else:
        raise _NotThisError(f"{what}: an entry that is neither a pair nor a line")


def _body(value: Value, part: dict[str, Value], what: str) -> bytes:
    if value is None and "parsed_body" in part:
        return _spelled(part["parsed_body"], what)
    if isinstance(value, dict):
        return _mapped_body(value, what)
    if not isinstance(value, list):
        return _bytes(value, what)
    # An iterator, chunk by chunk; or the bytes one by one.
    numbers = [to_number(item) for item in value if isinstance(item, int | Plain)]
    if value and None not in numbers and len(numbers) == len(value):
        return _from_numbers(cast("list[int]", numbers), what)
    return b"".join(_bytes(item, what) for item in value)


def _mapped_body(value: dict[str, Value], what: str) -> bytes:
    if "base64_string" in value:
        return _base64(value["base64_string"], what)
    if "string" in value or not value:
        return _bytes(value.get("string"), what)
    if "type" in value:
        return _typed_body(value, what)
    raise _NotThisError(f"{what} has neither string nor base64_string")


def _typed_body(value: dict[str, Value], what: str) -> bytes:
    kind, content = value["type"], value.get("content")
    if kind == "json":
        return _spelled(content, what)
    if kind == "binary" and not isinstance(content, bytes):
        return _base64(content, what)
    if kind in ("text", "binary", "none"):
        return _bytes(content, what)
    raise _NotThisError(f"{what} is of an unknown type")


def _from_numbers(numbers: list[int], what: str) -> bytes:
    try:
        return bytes(numbers)
    except ValueError:
        raise _NotThisError(f"{what} is a list of numbers that are no bytes") from None


def _bytes(value: Value, what: str) -> bytes:
    if isinstance(value, bytes):
        return value
    if value is None:
        return b""
    if isinstance(value, str) and not _is_unicode(value):
        raise _NotThisError(f"{what} holds half of a surrogate pair, which is not text")
    if isinstance(value, str):
        return value.encode()
    return _spelled(value, what)


def _base64(value: Value, what: str) -> bytes:
    try:
        return base64.b64decode("".join(_text(value, what).split()), validate=True)
    except (binascii.Error, ValueError):
        raise _NotThisError(f"{what} is not base64") from None


def _spelled(value: Value, what: str) -> bytes:
    """Spell JSON that was stored parsed."""
    try:
        return canonical_json(cast("JsonValue", to_json(value)), sort_keys=False).encode()
    except (TypeError, ValueError):
        raise _NotThisError(f"{what} was stored parsed, and is not JSON") from None
