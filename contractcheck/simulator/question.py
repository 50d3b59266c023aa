"""What was asked, whatever the dialect it was asked in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


TOO_MANY_REQUESTS = 429


class RequestError(Exception):
    """A request the provider refuses; becomes an error envelope, never leaves the room.

    Args:
        message: For the ``message`` field of the envelope.
        status: HTTP status.
        kind: OpenAI ``type``; other dialects derive their own from the status.
        param: OpenAI ``param``.
        code: OpenAI ``code``.
        retry_delay_s: After how long a 429 asks to come again, seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        retry_delay_s: float = 1.0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.param = param
        self.code = code
        self.retry_delay_s = retry_delay_s


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A function the model may call.

    Attributes:
        name: Its name.
        description: What it is for; decides, with the name, whether it is called.
        parameters: JSON Schema of its arguments.
    """

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One request, normalised.

    Attributes:
        model: As requested.
        prompt: Text of all messages, one after the other.
        key: Digest of the request body without its streaming options.
        after_tool: Whether the last message carries a tool's result.
        temperature: 0..2.
        top_p: In (0, 1].
        max_tokens: >= 1.
        stop: Texts before which the answer ends.
        seed: Makes repetitions equal, or None.
        schema: JSON Schema that the answer must follow, or None.
        tools: Callable functions.
        tool_choice: ``named`` goes with ``forced_tool``.
        forced_tool: Name of the tool that must be called.
        streamed: Whether the answer is an event stream.
        with_usage_chunk: Whether the stream ends with a usage chunk.
        top_logprobs: Alternatives per token, 0..20; None for no log-probabilities.
        shows_thoughts: Whether a summary of the thinking stands before the answer.
        echo: Fields that the answer repeats as they were asked.
    """

    model: str
    prompt: str
    key: str
    after_tool: bool = False
    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 4096
    stop: tuple[str, ...] = ()
    seed: int | None = None
    schema: Mapping[str, object] | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: Literal["auto", "none", "required", "named"] = "auto"
    forced_tool: str | None = None
    streamed: bool = False
    with_usage_chunk: bool = False
    top_logprobs: int | None = None
    shows_thoughts: bool = False
    echo: Mapping[str, object] = field(default_factory=dict)
