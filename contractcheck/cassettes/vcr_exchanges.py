"""Interactions of a vcrpy cassette → exchanges as they may be stored.

A cassette says nothing of times: they are 0 and must never be judged, which ``via`` tells. It
says nothing of trials either: equal requests become trials 0, 1, … in file order, and one that
follows an answer that clients retry is the next attempt of the same trial.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from contractcheck.cassettes.canonical import canonical_request
from contractcheck.content_coding import decode_body
from contractcheck.errors import ContentCodingError, DamagedBodyError
from contractcheck.model.exchange import IMPORTED, Exchange, Request, Response
from contractcheck.redaction import allowed_headers, redact_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.cassettes.vcr_files import Interaction
    from contractcheck.model.exchange import Headers
    from contractcheck.redaction import RedactedBody, Scrubber

_RETRIED = frozenset({408, 409, 429})
_SERVER_ERROR = 500
"""Statuses that the official SDKs retry by themselves: 408, 409, 429 and 5xx (openai-python
``_should_retry``; anthropic-sdk-python has the same)."""


@dataclass(slots=True)
class VcrImporter:
    """Turns interactions into exchanges of cases, counting trials on the way.

    Attributes:
        scrubber: Knows the secrets; what looks like one is starred too.
        imported_at: UTC, RFC 3339; stands for the unknown times of recording, a microsecond later
            for each interaction, so that their order is kept.
    """

    scrubber: Scrubber
    imported_at: str
    _last: dict[tuple[str, str], Exchange] = field(default_factory=dict)
    _taken: int = 0

    def take(self, interaction: Interaction, case: str) -> Exchange:
        """Make the next exchange of a case."""
        request, request_note = self._request(interaction)
        response, response_note = self._response(interaction)
        before = self._last.get((case, request.digest))
        trial, attempt = (0, 0) if before is None else _next(before)
        exchange = Exchange(
            case=case,
            trial=trial,
            attempt=attempt,
            request=request,
            response=response,
            started_at=self._next_time(),
            waited_us=0,
            headers_us=0,
            end_us=0,
            ended="eof",
            error=None,
            via=IMPORTED,
            # The answer's first: replay looks for the beginning that says it was not kept.
            note="; ".join(filter(None, (response_note, request_note))),
        )
        self._last[case, request.digest] = exchange
        return exchange

    def _next_time(self) -> str:
        at = datetime.fromisoformat(self.imported_at) + timedelta(microseconds=self._taken)
        self._taken += 1
        return at.isoformat()

    def take_all(self, interactions: Sequence[Interaction], case: str) -> tuple[Exchange, ...]:
        """Make the exchanges of a whole file."""
        return tuple(self.take(interaction, case) for interaction in interactions)

    def _request(self, interaction: Interaction) -> tuple[Request, str]:
        redacted = redact_body(
            interaction.request_body, _coding(interaction.request_headers), self.scrubber
        )
        canonical = canonical_request(
            interaction.method,
            interaction.url,
            interaction.request_headers,
            interaction.request_body,
            scrubber=self.scrubber,
        )
        request = Request(
            method=interaction.method,
            url=self.scrubber.scrub_text(interaction.url),
            headers=self._headers(interaction.request_headers, redacted),
            body=redacted.body,
            digest=canonical.digest(),
        )
        note = _note(redacted)
        return request, f"request body {note}" if note else ""

    def _response(self, interaction: Interaction) -> tuple[Response, str]:
        plain = _without_undone_coding(interaction)
        redacted = redact_body(plain.response_body, _coding(plain.response_headers), self.scrubber)
        size_bytes = len(redacted.body)
        response = Response(
            status=interaction.status,
            http_version="HTTP/1.1",
            headers=self._headers(plain.response_headers, redacted),
            body=redacted.body,
            chunk_bytes=(size_bytes,) if size_bytes else (),
            chunk_times_us=(0,) if size_bytes else (),
            reason=self.scrubber.scrub_text(interaction.reason),
        )
        return response, _note(redacted)

    def _headers(self, headers: Headers, redacted: RedactedBody) -> Headers:
        scrub = self.scrubber.scrub_text
        size = str(len(redacted.body))
        return tuple(
            (scrub(name), size if redacted.is_recoded and _is_length(name) else scrub(value))
            for name, value in allowed_headers(headers)
        )


def _is_length(name: str) -> bool:
    return name.lower() == "content-length"


def _note(redacted: RedactedBody) -> str:
    return redacted.note or ("coded anew" if redacted.is_recoded else "")


def _coding(headers: Headers) -> str:
    return ",".join(value for name, value in headers if name.lower() == "content-encoding")


def _next(before: Exchange) -> tuple[int, int]:
    status = before.response.status if before.response is not None else 0
    if status in _RETRIED or status >= _SERVER_ERROR:
        return before.trial, before.attempt + 1
    return before.trial + 1, 0


def _without_undone_coding(interaction: Interaction) -> Interaction:
    """Drop the headers of a content coding that vcrpy has undone already.

    Its stub for ``requests`` stores decoded bodies under the headers of the coded ones.
    """
    coding = _coding(interaction.response_headers)
    if not coding or not interaction.response_body:
        return interaction
    try:
        decode_body(interaction.response_body, coding)
    except DamagedBodyError:
        if _is_text(interaction.response_body):
            stale = ("content-encoding", "content-length")
            headers = tuple(h for h in interaction.response_headers if h[0].lower() not in stale)
            return replace(interaction, response_headers=headers)
    except ContentCodingError:
        pass
    return interaction


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
