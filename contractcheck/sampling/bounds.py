"""How much a session may take, and how much trouble it bears."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.sampling.backoff import RetryPolicy

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How much a session may take, and how much trouble it bears.

    Attributes:
        retry: How often a failed trial is tried again.
        patience_s: Longest time (s) without a single answer before the session ends, and longest
            wait that a provider may ask for, > 0. Counts for nothing when nothing is retried.
        deadline_s: Longest time (s) for the whole session; None is without bound.
        requests_per_minute: Requests that leave at most, from all sessions of this machine that
            ask the same; None leaves it to the provider.
        max_tokens: Tokens, input and output, that may be spent; None is without bound.
        idle_timeout_s: Longest silence (s) before headers and between chunks.
        request_timeout_s: Longest time (s) for one answer, from sending to its end.
        first_token_timeout_s: Longest time (s) until an answer has content; None is without bound
            of its own.
        shared: Folder in which the processes of this machine share what they know of limits;
            None keeps it to this process.
    """

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    patience_s: float = 120.0
    deadline_s: float | None = None
    requests_per_minute: float | None = None
    max_tokens: int | None = None
    idle_timeout_s: float = 120.0
    request_timeout_s: float = 600.0
    first_token_timeout_s: float | None = None
    shared: Path | None = None
