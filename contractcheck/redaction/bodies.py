"""Redact a body whatever its content coding: look inside, or keep nothing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.content_coding import decode_available, encode_body, split_coding
from contractcheck.errors import ContentCodingError
from contractcheck.redaction.event_stream import mend_checksums
from contractcheck.repeats import split_repeats

if TYPE_CHECKING:
    from contractcheck.redaction.scrub import Scrubber
    from contractcheck.repeats import Repeats

_RECODES_WHEN_CUT = frozenset({"zstd", "br"})
"""They may hold back what a cut-off block says: nobody can look at it, so it is not kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RedactedBody:
    """A body as it may be stored.

    Attributes:
        body: The original bytes, unless a secret was in them.
        is_recoded: True when the bytes were encoded anew: the length is another, and chunk
            lengths must be cut again.
        is_clean: True when every byte was searched as it is, and nothing found.
        repeats: Then, the same as a text in parts; None when it is not UTF-8, or hardly repeats.
        note: Why the body was not kept, as one clause; empty when it was.
    """

    body: bytes
    is_clean: bool = False
    repeats: Repeats | None = None
    is_recoded: bool = False
    note: str = ""


def redact_body(body: bytes, coding: str, scrubber: Scrubber) -> RedactedBody:
    """Take the secrets out of a body.

    A body without a secret is returned byte for byte. A secret in a plain body is starred at
    the same length (checksums of an Amazon event stream are mended). A coded body with a secret
    is decoded, scrubbed and encoded anew. A body that cannot be decoded is starred whole: nobody
    can look into it (fail closed).

    Args:
        body: The body as it came.
        coding: Value of ``content-encoding``; several are comma-separated; may be empty.
        scrubber: Knows the secrets.
    """
    try:
        names = split_coding(coding)
        if not names:
            repeats = _repeats(body)
            scrubbed = _scrub(body, scrubber, repeats)
            if scrubbed is not body:
                return RedactedBody(body=scrubbed)
            return RedactedBody(body=body, is_clean=True, repeats=repeats)
        decoded = decode_available(body, coding)
    except ContentCodingError as error:
        note = scrubber.scrub_text(f"not kept: {error}")  # it quotes the name of the coding
        return RedactedBody(body=b"*" * len(body), note=note)
    scrubbed = _scrub(decoded.body, scrubber, None)
    is_hidden = not decoded.is_whole and not _RECODES_WHEN_CUT.isdisjoint(names)
    if scrubbed == decoded.body and not is_hidden and scrubber.scrub(body) == body:
        return RedactedBody(body=body)
    return RedactedBody(body=encode_body(scrubbed, coding), is_recoded=True)


def _repeats(body: bytes) -> Repeats | None:
    try:
        return split_repeats(body.decode())
    except UnicodeDecodeError:
        return None


def _scrub(body: bytes, scrubber: Scrubber, repeats: Repeats | None) -> bytes:
    scrubbed = scrubber.scrub(body, repeats)
    if (cut := scrubber.known.find_cut(scrubbed)) is not None:
        # The stream broke off inside a secret: what came of it is too short to be known elsewhere.
        scrubbed = scrubbed[: cut[0]] + b"*" * (cut[1] - cut[0])
    return body if scrubbed == body else mend_checksums(body, scrubbed)
