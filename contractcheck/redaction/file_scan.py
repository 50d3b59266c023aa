"""Search what others recorded: cassettes, fixtures, logs, in whatever text they are written."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from contractcheck.content_coding import decode_available
from contractcheck.errors import ContentCodingError
from contractcheck.redaction.scan import Leak

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.redaction.linear import Span
    from contractcheck.redaction.scrub import Scrubber

    Found = tuple[Span, str]

_DEEPEST = 3
"""Base64 inside compressed base64 is real (an event stream in a cassette); more is not."""

_BLOB = re.compile(
    rb"[A-Za-z0-9+/_-]{32,}+(?:\s++[A-Za-z0-9+/_-]{16,}+)*+(?:\s*[A-Za-z0-9+/_-]{0,15}={1,2})?"
)
"""Base64, also folded over lines as YAML writes ``!!binary``."""

_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"\x78", "deflate"))

_HEADER_LIST = re.compile(
    rb"(?im)^[ \t\"']*(?:set-cookie|cookie|authorization|(?:[\w-]{0,40}-)?api-key"
    rb"|openai-organization|openai-project)[\"']?:[ \t]*\n"
    rb"(?:[ \t]*-[ \t]+[\"']?[^\n\"']{6,}[\"']?\n?)+"
)
_ITEM = re.compile(rb"(?m)^[ \t]*-[ \t]+[\"']?([^\n\"']{6,})")
"""Headers as vcrpy's YAML writes them: the name, and a list on the next lines."""

_PLACEHOLDER = re.compile(
    rb"(?i)redact|filter|scrub|mask|hidden|dummy|fake|mock|placeholder|example|sample|your|test"
    rb"|^[<\[{$%(]|^(?:bearer|basic)?[\W_x]*$|\.\.\.|^(?:bearer )?(?:sk-)?(.)\1*$"
)
"""What people write in the place of a secret. Asked of fields only: a shape is a shape."""


def scan_file(data: bytes, scrubber: Scrubber) -> Iterator[Leak]:
    """Find every secret in a file that somebody else wrote; never returns the secret itself.

    Sees known secrets and shapes of keys anywhere, values of credential fields (unless they are
    a placeholder such as ``REDACTED``), and all of these inside base64, compressed or not.

    Args:
        data: The file: YAML, JSON, JSONL, or any other text.
        scrubber: Knows this process's secrets.

    Yields:
        Each place once, in the order of the file; inside base64 the place is its beginning.
    """
    line, counted, reached = 1, 0, -1
    for (start, end), kind in sorted(_find(data, scrubber, 0)):
        if end <= reached:
            continue
        reached = end
        line += data.count(b"\n", counted, start)
        counted = start
        yield Leak(kind=kind, offset=start, line=line)


def _find(data: bytes, scrubber: Scrubber, depth: int) -> Iterator[Found]:
    certain = list(scrubber.find_certain(data))
    yield from certain
    for span, kind in (*scrubber.find(data), *_find_header_lists(data)):
        value = data[slice(*span)]
        if not _PLACEHOLDER.search(value) and value.strip(b"*"):
            yield span, kind
    if depth < _DEEPEST:
        for match in _BLOB.finditer(data):
            for content, how in _contents(match.group()):
                kinds = {kind for _, kind in _find(content, scrubber, depth + 1)}
                if kinds:
                    yield match.span(), f"{' and '.join(sorted(kinds))}, inside {how}"


def _find_header_lists(data: bytes) -> Iterator[Found]:
    for block in _HEADER_LIST.finditer(data):
        head_end = data.index(b"\n", block.start()) + 1
        for item in _ITEM.finditer(data, head_end, block.end()):
            yield item.span(1), "a credential in a header"


def _contents(blob: bytes) -> Iterator[tuple[bytes, str]]:
    """What a run of base64 characters holds, if it is base64."""
    text = b"".join(blob.split()).translate(_TO_STANDARD).rstrip(b"=")
    if len(text) % 4 == 1:
        text = text[:-1]
    raw = base64.b64decode(text + b"=" * (-len(text) % 4))
    coding = next((name for magic, name in _MAGIC if raw.startswith(magic)), None)
    if coding is None:
        yield raw, "base64"
        return
    try:
        yield decode_available(raw, coding).body, f"{coding} in base64"
    except ContentCodingError:
        yield raw, "base64"
