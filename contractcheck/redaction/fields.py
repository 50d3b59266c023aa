"""Find secrets by where they stand: behind the name of a field that only ever holds one.

JSON (nested, and escaped inside a string), Python and YAML text, query, form, multipart, XML,
header lines, URLs. Names are compared without regard to case. The sources of the names are the
providers' authentication pages and the defaults of schemathesis, vcrpy users and secret scanners.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from contractcheck.redaction.linear import compile_linear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contractcheck.redaction.linear import LinearMatch, LinearPattern, Span

_NAME = rb"""(?i:(?:x-)?api[-_]?keys?|authorization|cookies?|passw(?:or)?d|passphrase
|(?:access|refresh|auth|session|security|bearer|api|\bid)[-_]?token
|(?:client|consumer|app|api)[-_]?secret|secret[-_]?access[-_]?key|(?:secret|private|account|signing
|subscription)[-_]?key|signing[-_]?secret|client[-_]?assertion|openai-(?:organization|project)
|anthropic-organization-id|x-goog-user-project)""".replace(b"\n", b"")

_WHOLE_NAME = rb"[\w.-]{0,40}" + _NAME
_QUERY_NAME = (
    rb"(?i:key|(?:id[-_]?)?token|sig|signature|assertion|x-(?:amz|goog)-(?:signature|credential|security-token)"
    rb"|" + _WHOLE_NAME + b")"
)

_OPAQUE = rb"[A-Za-z0-9._~+/=%*-]"
_COOKIES = (
    rb"(?:__cf_bm|_cfuvid|cf_clearance|__Secure-[\w.-]{1,40}|__Host-[\w.-]{1,40}|AWSALB\w{0,8}"
    rb"|JSESSIONID|PHPSESSID|sessionid|csrftoken|connect\.sid)"
)

_SHORTEST_VALUE = 6


_TEMPLATE = re.compile(
    rb"(?i:(?:bearer|basic|token) )?"
    rb"(?:\{+[\w. ]+\}+|\$\{?[A-Z][A-Z0-9_]*\}?|<[\w. -]+>|%[A-Z_]+%|[\w-]{0,8}\.\.\.)"
)
"""What programs and manuals write where a secret goes: ``{key}``, ``$API_KEY``, ``<token>``."""


def _is_any(value: bytes) -> bool:
    return len(value) >= _SHORTEST_VALUE and not _TEMPLATE.fullmatch(value)


def _has_digit(value: bytes) -> bool:
    """A key has one; a word of a program or of prose has none."""
    return _is_any(value) and re.search(rb"\d", value) is not None


def _is_cookie(value: bytes) -> bool:
    """It starts with ``name=`` (RFC 6265, 4.1.1)."""
    return _is_any(value) and re.match(rb"[\w!#$%&'*+.^`|~-]+=\S", value) is not None


def _is_mixed(value: bytes) -> bool:
    """Base64 of a short password may lack a digit; then it has padding, or capitals inside."""
    return _is_any(value) and re.search(rb"\d|=$|[a-z][A-Z]", value) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One place in which secrets stand.

    Attributes:
        kind: What it is, for people.
        source: RE2 source; its one group is the secret.
        accepts: Whether a value may be a secret.
    """

    kind: str
    source: bytes
    accepts: Callable[[bytes], bool] = _is_any


RULES = (
    Rule(
        kind="a credential in a query",
        source=rb"(?:[?&]|&amp;|\\u0026)" + _QUERY_NAME + rb"=([^&\s\"'<>\\#;,]{6,})",
    ),
    Rule(
        kind="a credential in a query",
        source=rb"(?:%26|%3[Ff])" + _QUERY_NAME + rb"%3[Dd]([^&\s\"'<>\\#;,%]{6,})",
    ),
    Rule(
        kind="the value of a credential's field",
        source=_NAME + rb"\s{0,8}[:=]\s{0,8}(?:-\s{1,8})?(" + _OPAQUE + rb"{8,})"
        rb"(?:[^A-Za-z0-9._~+/=%*(\[\"'-]|$)",
        accepts=_has_digit,
    ),
    Rule(
        kind="a credential behind its scheme",
        source=rb"(?i:[:=]\s{0,8}(?:bearer|basic|token))[ \t]{1,8}(" + _OPAQUE + rb"{8,})",
        accepts=_is_mixed,
    ),
    Rule(
        kind="a credential behind its scheme",
        source=rb"(?i:\bbearer)(?:\s|%20|\+){1,4}(" + _OPAQUE + rb"{16,})",
        accepts=_is_mixed,
    ),
    Rule(
        kind="a part of a form",
        source=rb"(?i:name=)\"?" + _WHOLE_NAME + rb"\"?(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n)*"
        rb"\r\n([^\r\n]{6,})",
    ),
    Rule(
        kind="an element that holds a credential",
        source=rb"<(?:\w{1,20}:)?" + _WHOLE_NAME + rb">([^<>&\"\\]{6,})</",
    ),
    Rule(kind="a cookie", source=_COOKIES + rb"=([^;\s\"'\\,&]{6,})"),
    Rule(
        kind="a cookie",
        source=rb"(?i:cookie:)[ \t]{0,8}([^\r\n\"\\]{6,})",
        accepts=_is_cookie,
    ),
    Rule(
        kind="an AWS account",
        source=rb"\barn:aws[a-z-]{0,10}:[^:\s\"]{0,40}:[^:\s\"]{0,40}:(\d{12}):",
    ),
    Rule(
        kind="a Google Cloud project",
        source=rb"(?:\bprojects(?:/|%2[Ff])|\bproject_number:)(\d{6,})",
    ),
    Rule(
        kind="a Google Cloud project",
        source=rb"\bprojects(?:/|%2[Ff])([a-z][a-z0-9-]{4,28}[a-z0-9])(?:/|%2[Ff])"
        rb"(?:locations|models|publishers|endpoints|secrets|topics|operations)\b",
    ),
    Rule(
        kind="an Azure subscription",
        source=rb"/(?i:subscriptions|tenants)/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
    ),
)

_QUOTED_HEAD = (
    rb"(" + _NAME + rb")(?:\\*[\"'])?\s{0,8}[:=]\s{0,8}(?:[\[(]\s{0,8})?[bfru]?(\\*)([\"'])"
)
_PAIR_OF_BYTES = (
    rb"(" + _NAME + rb")\\*[\"']\s{0,8},\s{0,8}b"
    rb"(?:\\*'([^'\r\n]{5,}[^'\r\n\\])\\*'|\\*\"([^\"\r\n\\]{6,})\\*\")"
)
"""``(b'Set-Cookie', b'sid=…')``: headers as HTTP clients log them. Only as bytes: a list of words
may well hold the name of such a header, and then any other word."""

_END_OF_JSON_STRING = re.compile(rb"\"\s*(?:[,:\]}]|$)")

_DOUBLE_QUOTE = re.compile(rb'(\\*)"|[\r\n]')
_SINGLE_QUOTE = re.compile(rb"(\\*)'|\\*[\r\n\"]")
_NEXT_IN_LIST = re.compile(rb"\s{0,8},\s{0,8}(\\*)[\"']")
_SCHEME = re.compile(rb"(?i)(?:bearer|basic|digest|token|negotiate|apikey|aws4-\S+)\s")


def fields_source() -> bytes:
    """RE2 source that matches wherever ``find_fields`` may find something."""
    sources = [b"(?:" + rule.source + b")" for rule in RULES]
    return b"|".join([*sources, _QUOTED_HEAD, _PAIR_OF_BYTES, _FORM_FIELD])


def find_fields(data: bytes) -> Iterator[tuple[Span, str]]:
    """Find every value that stands where only secrets stand: its span and its kind."""
    quoted, pair, rules = _compiled()
    for match in quoted.finditer(data):
        for start, end in _quoted_values(data, match):
            if _may_be_secret(data[slice(*match.span(1))].lower(), data[start:end]):
                yield (start, end), "the value of a credential's field"
    for match in pair.finditer(data):
        start, end = max(match.span(2), match.span(3))
        value = data[start:end]
        is_one = _END_OF_JSON_STRING.search(value) is None
        if is_one and _may_be_secret(data[slice(*match.span(1))].lower(), value):
            yield (start, end), "the value of a credential's field"
    for rule, pattern in rules:
        for match in pattern.finditer(data):
            start, end = match.span(1)
            if rule.accepts(data[start:end]):
                yield (start, end), rule.kind
    yield from _find_in_form(data)


@cache
def _compiled() -> tuple[LinearPattern, LinearPattern, tuple[tuple[Rule, LinearPattern], ...]]:
    rules = tuple((rule, compile_linear(rule.source)) for rule in RULES)
    return compile_linear(_QUOTED_HEAD), compile_linear(_PAIR_OF_BYTES), rules


def _may_be_secret(name: bytes, value: bytes) -> bool:
    """Prose behind such a name (``"authorization": "by the manager"``) is no secret."""
    if b"cookie" in name:
        return _is_cookie(value)
    if b"pass" in name:
        return _is_any(value)
    is_opaque = not re.search(rb"\s", value) or _SCHEME.match(value) is not None or b"=" in value
    return _is_any(value) and is_opaque


def _quoted_values(data: bytes, head: LinearMatch) -> Iterator[Span]:
    """The string behind a name, or the strings of the list there."""
    level = head.span(2)[1] - head.span(2)[0]
    start = head.span()[1]
    is_list = b"[" in data[head.span(1)[1] : start]
    quote = _DOUBLE_QUOTE if data[start - 1 : start] == b'"' else _SINGLE_QUOTE
    while True:
        end = _end_of_string(data, start, level, quote)
        yield start, end
        following = _NEXT_IN_LIST.match(data, end + level + 1) if is_list else None
        if following is None or len(following.group(1)) != level:
            return
        start = following.end()


def _end_of_string(data: bytes, start: int, level: int, quote: re.Pattern[bytes]) -> int:
    r"""Where the string ends whose opening quote has ``level`` backslashes before it.

    JSON inside a JSON string writes its quotes as ``\"``, and one level deeper as ``\\\"``: at
    depth d a closing quote has 2^d - 1 backslashes, behind pairs that belong to the text. The
    trailing one bits of the count are the depth; a quote less deep ends an outer string, and
    this one with it.
    """
    deeper = 2 * level + 1
    for mark in quote.finditer(data, start):
        if mark.group(1) is None:
            return mark.start()
        count = len(mark.group(1))
        if count & deeper != deeper:
            depth = (count ^ (count + 1)).bit_length() - 1
            return mark.end() - 1 - ((1 << depth) - 1)
    return len(data)


_FORM = re.compile(rb"[\w.%+\[\]~-]{1,64}=[^\s=&\"{}<>]*(?:&[\w.%+\[\]~-]{1,64}=[^\s=&\"{}<>]*)*+")
_FORM_FIELD = rb"(?:^|&)" + _QUERY_NAME + rb"=([^&]{6,})"


def _find_in_form(data: bytes) -> Iterator[tuple[Span, str]]:
    """A body that is a form as a whole: its values need not look like keys."""
    if _FORM.fullmatch(data.rstrip()):
        for match in re.finditer(_FORM_FIELD, data):
            yield match.span(1), "a credential in a form"
