"""When two requests are the same request: what its digest is made of.

Method, host, path, query (by name; order among equal names kept) and body (JSON by value), after
redaction. Not scheme and port: a server on this machine has another port every day, so all of them
are one host. Not headers: clients put their version and clock there; the one that says what a
request to AWS is about counts. A request with another credential is the same request; so is a
multipart body with another random boundary. What else may differ is declared in a
``Canonicalisation``, never guessed.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote_plus, urlsplit

import orjson

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from jsonpath_rfc9535 import JSONPathQuery

    from contractcheck.model.exchange import Headers
    from contractcheck.model.json_value import JsonValue
    from contractcheck.redaction import Scrubber

_VERSION = b"contractcheck-request-3"
"""Keeps digests of this rule apart from those of another one."""

_BOUNDARY = re.compile(r'multipart/.*;\s*boundary="?([^";,]+)', re.IGNORECASE)
"""RFC 2046, section 5.1.1."""

_BOUNDED = b"--"
"""How every multipart body begins, if it has no preamble; only of these the boundary counts."""

_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|\[?::1\]?|(?:[\w-]+\.)*localhost")
_HERE = "loopback"

_DIGIT_MARKS = bytes(chr(byte).isdecimal() for byte in range(128)) + bytes(128)
_LONG_NUMBER = b"\1" * 19
"""Beyond 64 bits orjson reads integers as floats, and different ones as the same. Marking digits
and looking for nineteen marks takes a seventh of the time of the regular expression."""

AWS_OPERATION = "x-amz-target"
"""The JSON protocols of AWS post everything to ``/``."""

VOLATILE = "<volatile>"

Head = tuple[str, str, str, str]
"""Method, URL, what a request to AWS is about, and the content type where it counts."""

Material = tuple[Head, bytes]
"""Head and body: what the digest of a request follows from, true bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Canonicalisation:
    """What may differ between two requests that are the same request.

    Attributes:
        fields: JSONPaths (RFC 9535) into a JSON body, such as ``$.metadata.request_id``: the
            value may differ, its presence not.
        query: Names of query parameters whose value may differ.

    Raises:
        UsageError: If a JSONPath is none.
    """

    fields: tuple[str, ...] = ()
    query: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in self.fields:
            _compile(field)


EXACT = Canonicalisation()
"""Nothing may differ."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A URL reduced to what makes it this place; holds no known secret.

    Attributes:
        url: All of it, redacted.
        host: Lower case, without port; one name for this machine.
        path: As sent.
        query: Name and value as sent (quoted), by name.
        line: Host, path and query as they count.
    """

    url: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    line: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CanonicalRequest:
    """A request reduced to what makes it this request; holds no known secret.

    Attributes:
        method: Upper case.
        place: Where it goes.
        written: The body as it counts: JSON in one spelling, or the bytes when it is no JSON.
        is_json: Whether it is JSON.
        operation: What a request to AWS is about; else empty.
    """

    method: str
    place: Place
    written: bytes
    is_json: bool
    operation: str = ""

    @property
    def body(self) -> JsonValue | bytes:
        """The JSON value, or the bytes when it is no JSON."""
        return cast("JsonValue", json.loads(self.written)) if self.is_json else self.written

    def digest(self) -> str:
        """Identity of the request: blake2b-128, as hex."""
        line = f"{self.method} {self.place.line} {self.operation}"
        material = b"\0".join((_VERSION, line.encode(), self.written))
        return hashlib.blake2b(material, digest_size=16).hexdigest()


def canonical_place(url: str, *, scrubber: Scrubber, rule: Canonicalisation = EXACT) -> Place:
    """Reduce a URL, true or already redacted: see ``canonical_request``."""
    redacted = scrubber.scrub_for_identity(url.encode()).decode()
    parts = urlsplit(redacted)
    host = _canonical_host(parts.netloc)
    query = _canonical_query(parts.query, rule)
    path = parts.path or "/"
    pairs = "&".join(f"{name}={value}" for name, value in query)
    return Place(
        url=redacted,
        host=host,
        path=path,
        query=query,
        line=f"{host} {path}?{pairs}",
    )


def canonical_request(
    method: str,
    url: str,
    headers: Headers,
    body: bytes,
    *,
    scrubber: Scrubber,
    rule: Canonicalisation = EXACT,
    place: Place | None = None,
) -> CanonicalRequest:
    """Reduce a request, true or already redacted, to what makes it this request.

    Args:
        method: In any case.
        url: Absolute, or path and query.
        headers: Only ``content-type`` and ``x-amz-target`` are looked at.
        body: True or redacted bytes.
        scrubber: Puts one token in the place of every secret, whatever its length.
        rule: What else may differ.
        place: Of this URL, from ``canonical_place`` with the same scrubber and rule, when it is
            known already.
    """
    body = scrubber.scrub_for_identity(_unbounded(headers, body))
    as_it_counts, is_json = _canonical_body(body, rule)
    return CanonicalRequest(
        method=method.upper(),
        place=place or canonical_place(url, scrubber=scrubber, rule=rule),
        written=as_it_counts,
        is_json=is_json,
        operation=_value_of(AWS_OPERATION, headers),
    )


def digest_material(method: str, url: str, headers: Headers, body: bytes) -> Material:
    """Return all that the digest follows from, under one scrubber and rule.

    ``canonical_request`` gives the same digest for equal material; other headers do not count.
    """
    kind = _value_of("content-type", headers) if body.startswith(_BOUNDED) else ""
    return (method, url, _value_of(AWS_OPERATION, headers), kind), body


def headers_of(head: Head) -> Headers:
    """Return headers that make the same material."""
    return (AWS_OPERATION, head[2]), ("content-type", head[3])


def _canonical_host(netloc: str) -> str:
    place = netloc.rpartition("@")[2].lower()
    host = place if place.endswith("]") else re.sub(r":\d*$", "", place)
    return _HERE if _LOOPBACK.fullmatch(host) else host


def written(value: JsonValue) -> bytes:
    """Write a JSON value with its members in order, the same for equal values."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # an integer beyond 64 bits
        return json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")


def _canonical_query(query: str, rule: Canonicalisation) -> tuple[tuple[str, str], ...]:
    if not query:
        return ()
    pairs = [pair.partition("=")[::2] for pair in query.split("&")]
    masked = [(n, VOLATILE if unquote_plus(n) in rule.query else value) for n, value in pairs]
    return tuple(sorted(masked, key=lambda pair: pair[0]))


def _unbounded(headers: Headers, body: bytes) -> bytes:
    """Give a multipart body one fixed boundary."""
    if not body.startswith(_BOUNDED):
        return body
    found = _BOUNDARY.match(_value_of("content-type", headers))
    return body if found is None else body.replace(b"--" + found[1].encode(), b"--boundary")


def _value_of(wanted: str, headers: Headers) -> str:
    """First value of a header, given in lower case; empty without one."""
    length = len(wanted)
    for name, value in headers:
        if len(name) == length and name.lower() == wanted:  # most have another length
            return value
    return ""


def _canonical_body(body: bytes, rule: Canonicalisation) -> tuple[bytes, bool]:
    """The body as it counts, and whether it is JSON."""
    read = json.loads if _LONG_NUMBER in body.translate(_DIGIT_MARKS) else orjson.loads
    try:
        document = cast("JsonValue", read(body))
        plain = written(document)
    except (ValueError, TypeError, RecursionError):
        return body, False  # no JSON, or not to be written again (nested too deeply)
    if not (rule.fields and isinstance(document, dict | list)):
        return plain, True
    return written(_masked(document, rule)), True


def _masked(document: dict[str, JsonValue] | list[JsonValue], rule: Canonicalisation) -> JsonValue:
    from jsonpath_rfc9535 import JSONPathError

    try:
        places = [node.location for path in rule.fields for node in _compile(path).find(document)]
    except JSONPathError:  # nested too deeply for ``..``: compared as it is
        return document
    if () in places:
        return VOLATILE
    # The deepest first: a place inside another one is gone when that one is masked.
    for place in sorted(places, key=len, reverse=True):
        _mask(document, place)
    return document


def _mask(document: JsonValue, location: tuple[int | str, ...]) -> None:
    holder = document
    for key in location[:-1]:
        holder = holder[key]  # type: ignore[index]  # the place was just found
    holder[location[-1]] = VOLATILE  # type: ignore[index]  # the same


@lru_cache(maxsize=256)
def _compile(path: str) -> JSONPathQuery:
    """Pure, so the cache is invisible."""
    from jsonpath_rfc9535 import JSONPathError
    from jsonpath_rfc9535 import compile as compile_path

    try:
        return compile_path(path)
    except (JSONPathError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"{path!r} is not a JSONPath of RFC 9535 ({reason}), such as $.metadata.request_id"
        ) from error
