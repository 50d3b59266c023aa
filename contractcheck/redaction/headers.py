"""Which headers may be stored. An allow-list, because deny-lists leak what they never heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contractcheck.redaction.scrub import Scrubber

_ALLOWED = frozenset(
    {
        # content negotiation and framing: needed to read the body again
        "accept",
        "content-type",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        # what clients act on: where to go next (it is stored as the next URL anyway), how to fail
        "location",
        "x-should-retry",
        "x-amzn-errortype",
        # which contract version was spoken
        "anthropic-version",
        "anthropic-beta",
        "openai-version",
        "x-stainless-package-version",
        # evidence on timing, routing and limits
        "date",
        "retry-after",
        "retry-after-ms",
        "openai-processing-ms",
        "server-timing",
        "x-ms-region",
        "x-api-warning",
        "deprecation",
        "sunset",
        # what support desks ask for
        "request-id",
        "x-request-id",
        "x-amzn-requestid",
    }
)
_ALLOWED_PREFIXES = (
    *("x-ratelimit-", "anthropic-ratelimit-", "ratelimit-", "x-trial-endpoint-"),
    "x-amzn-bedrock-",
)


def allowed_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Keep the headers that may be stored: order, case and duplicates as they came."""
    return tuple(
        (name, value)
        for name, value in headers
        if name.lower() in _ALLOWED or name.lower().startswith(_ALLOWED_PREFIXES)
    )


def redact_headers(
    headers: Iterable[tuple[str, str]], scrubber: Scrubber
) -> tuple[tuple[str, str], ...]:
    """Keep the headers that may be stored, names and values scrubbed."""
    kept = allowed_headers(headers)
    # One look at all of them at once, because nearly always there is nothing to find. "&" is
    # where a form field may begin, so nothing that one value alone would show is hidden.
    joined = "\n&".join(("", *(text for pair in kept for text in pair)))
    if scrubber.scrub_text(joined) == joined:
        return kept
    return tuple((scrubber.scrub_text(name), scrubber.scrub_text(value)) for name, value in kept)
