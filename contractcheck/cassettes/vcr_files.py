"""Standard vcrpy cassettes, of every layout that vcrpy wrote since 2012, as interactions.

Sources: the serializers, ``migration.py`` and ``stubs/httpx_stubs.py`` of vcrpy 9.4.2, which say
what older releases wrote. Beyond vcrpy three common variants are read: lists of ``requests`` and
``responses`` side by side, packed with gzip (langchain-tests), ``parsed_body`` (the serializer of
pydantic-ai) and typed bodies (cassetter 0.16). The latter two hold JSON as YAML: it is spelled
anew, so such a body is equal, not byte-exact.

A cassette holds no times, no chunks, no HTTP version and no order of header names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from contractcheck.cassettes.vcr_fields import NotThisError, read_body, read_headers, read_text
from contractcheck.cassettes.vcr_values import to_number
from contractcheck.cassettes.vcr_yaml import parse_cassette
from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from contractcheck.cassettes.vcr_values import Value
    from contractcheck.model.exchange import Headers

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
        except NotThisError as error:
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
    keys = ", ".join(key[:_SHOWN_CHARACTERS] for key in sorted(document)[:_SHOWN_KEYS])
    return f"no interactions; its keys are {keys or 'none'}"


_SHOWN_KEYS, _SHOWN_CHARACTERS = 5, 40


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
        request_headers=read_headers(request.get("headers"), "request headers"),
        request_body=read_body(request.get("body"), request, "request body"),
        status=status,
        reason=reason,
        response_headers=read_headers(response.get("headers"), "response headers"),
        response_body=read_body(body, response, "response body"),
    )


def _part(item: Value, name: str) -> dict[str, Value]:
    if not isinstance(item, dict):
        raise NotThisError("is not a mapping with request and response")
    part = item.get(name)
    if not isinstance(part, dict):
        raise NotThisError(f"has no {name}")
    return part


def _method(request: dict[str, Value]) -> str:
    method = read_text(request.get("method"), "request method").upper()
    if not re.fullmatch(r"[A-Z]{1,20}", method):
        raise NotThisError("request method is not one")
    return method


def _url(request: dict[str, Value]) -> str:
    if "uri" in request:
        url = read_text(request["uri"], "request uri")
    elif "host" in request:  # before vcrpy 1.0
        parts = {name: read_text(request.get(name), f"request {name}") for name in ("host", "path")}
        protocol = read_text(request.get("protocol"), "request protocol")
        port = to_number(request.get("port"))
        is_default = port in (None, {"https": 443, "http": 80}.get(protocol))
        where = parts["host"] if is_default else f"{parts['host']}:{port}"
        url = f"{protocol}://{where}{parts['path']}"
    else:
        raise NotThisError("request has no uri")
    if not _is_http(url):
        raise NotThisError("request uri is not an absolute http(s) address")
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
        raise NotThisError(f"response status {str(code)[:40]!r} is not an HTTP status code")
    return number, "" if reason is None else read_text(reason, "response status message")
