"""The provider's answer, normalised: the same shape whatever the dialect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonValue


class Outcome(Enum):
    """What became of a trial (classes of docs/explanation: provider trouble is not drift).

    ``ANSWERED`` is the only one that is scored. ``INFRA`` and ``TRUNCATED`` are the transport's
    trouble, ``CONFIG`` is ours, ``RETIRED`` says the model is gone, ``MALFORMED`` is an answer
    that breaks the wire format.
    """

    ANSWERED = "answered"
    INFRA = "infra"
    TRUNCATED = "truncated"
    CONFIG = "config"
    RETIRED = "retired"
    MALFORMED = "malformed"


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolCall:
    """One tool call.

    Attributes:
        name: Of the tool.
        arguments: Parsed JSON, or the raw string when it does not parse.
        is_parsed: Whether it parsed.
        id: By which the result is handed back, or None when the wire has none.
    """

    name: str
    arguments: JsonValue
    is_parsed: bool
    id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WireProblem:
    """One place where the wire left the documented format.

    Attributes:
        path: JSON path in the body, such as ``choices[0].finish_reason``.
        what: What was expected and what came.
        severity: ``breaking`` (clients fail) or ``additive`` (clients that switch on it may).
    """

    path: str
    what: str
    severity: Literal["breaking", "additive"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """An answer.

    Attributes:
        outcome: What became of the trial.
        detail: Why, when it is not ``ANSWERED``.
        text: The answer's text; empty for a pure tool call.
        tool_calls: In order.
        finish_reason: As the provider spells it, or None.
        model: Model echo, or None.
        system_fingerprint: Or None.
        input_tokens: As accounted by the provider, or None.
        output_tokens: As accounted by the provider, or None.
        first_content_byte: Offset in the body of the last byte of the first event that
            carries content, so that its arrival time can be looked up; None without content.
        wire_problems: Where the wire left the documented format.
        first_token_logprobs: The likeliest tokens at the first place with their log-probabilities
            in nats, likeliest first; empty unless the provider was asked for them.
        reasoning_text: What the model let be seen of its reasoning; never part of ``text``.
        cached_input_tokens: Input tokens that the provider had from an earlier request, or None.
        reasoning_tokens: Output tokens spent on reasoning, as accounted, or None.
        total_tokens: As accounted by the provider, or None.
        response_id: The provider's name for this answer, or None.
        embedding: Vector of an embedding model; empty for all others.
    """

    outcome: Outcome
    detail: str = ""
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    first_content_byte: int | None = None
    wire_problems: tuple[WireProblem, ...] = ()
    first_token_logprobs: tuple[tuple[str, float], ...] = ()
    reasoning_text: str = ""
    cached_input_tokens: int | None = None
    reasoning_tokens: int | None = None
    total_tokens: int | None = None
    response_id: str | None = None
    embedding: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """When things came, seen from our side of the wire.

    Attributes:
        ttft_s: Time to the first event that carries content, s; None without content, or when
            the answer was not streamed.
        total_s: Time to the end of the answer, s.
        is_censored: Whether we stopped waiting: the answer would have taken longer than
            ``total_s``.
        is_contended: Whether the times do not count: our own process was late, or nobody took
            them (an imported recording).
    """

    ttft_s: float | None
    total_s: float
    is_contended: bool = False
    is_censored: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What checks and metrics look at: a completion and its times."""

    completion: Completion
    timing: Timing
