"""Answers in recorded responses, put together as the provider's dialect reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.content_coding import decode_body
from contractcheck.errors import ContentCodingError, UsageError
from contractcheck.model.completion import Outcome
from contractcheck.model.json_text import JsonTextError, canonical_json, parse_json
from contractcheck.providers import dialect
from contractcheck.providers.aws_event_stream import is_aws_event_stream, read_aws_frames
from contractcheck.providers.sse import is_event_stream
from contractcheck.workflows.json_difference import json_differences
from contractcheck.workflows.text_difference import line_differences

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.completion import Completion, ToolCall
    from contractcheck.model.exchange import Exchange, Response
    from contractcheck.model.json_value import JsonValue
    from contractcheck.model.target import Target
    from contractcheck.workflows.json_difference import Difference

_OK = 200
_TOO_DEEP = "<nested too deeply>"


def plain_body(response: Response) -> bytes | None:
    """The body of a response without its content coding; None when that cannot be undone."""
    try:
        return decode_body(response.body, response.header("content-encoding") or "identity")
    except ContentCodingError:
        return None


def assemble_answer(exchange: Exchange, target: Target) -> Completion | None:
    """Read the answer of one exchange.

    Args:
        exchange: What was recorded.
        target: Who was asked.

    Returns:
        The answer, or None where no dialect fits: another provider, another interface of this
        one, a failure, an answer that was cut off.
    """
    response = exchange.response
    if response is None or response.status != _OK:
        return None
    body = plain_body(response)
    if body is None:
        return None
    try:
        speaker = dialect(target.provider, target.mapping)
    except UsageError:
        return None
    answer = speaker.read(replace(response, body=body))
    is_read = answer.outcome is Outcome.ANSWERED or answer.text or answer.tool_calls
    return answer if is_read else None


def readable_arguments(call: ToolCall) -> JsonValue:
    """The arguments of a call; in place of what is nested too deeply to be written, a word."""
    try:
        return parse_json(canonical_json(call.arguments))
    except (JsonTextError, RecursionError):
        return _TOO_DEEP


def stream_differences(
    old: Exchange, new: Exchange, targets: tuple[Target, Target], where: str
) -> Iterator[Difference]:
    """Yield how the answers of two streams differ: nothing when one cannot be put together.

    Args:
        old: The one.
        new: The other.
        targets: Who was asked for the one, and for the other.
        where: Place of both, for each difference.
    """
    if not all(x.response is not None and _is_streamed(x.response) for x in (old, new)):
        return
    before, after = (assemble_answer(x, p) for x, p in zip((old, new), targets, strict=True))
    if before is None or after is None:
        return
    yield from line_differences(before.text, after.text, f"{where}: text")
    yield from json_differences(_beside_text(before), _beside_text(after), f"{where}: answer $")


def _is_streamed(response: Response) -> bool:
    return is_event_stream(response) or is_aws_event_stream(response)


def binary_events(response: Response) -> tuple[str, ...]:
    """Return what the events of a binary stream carry, name first; of all else nothing."""
    body = plain_body(response) if is_aws_event_stream(response) else None
    if body is None:
        return ()
    frames = read_aws_frames(replace(response, body=body))
    return tuple(f"{frame.name} {frame.text}" for frame in frames)


def _beside_text(answer: Completion) -> JsonValue:
    return {
        "outcome": answer.outcome.value,
        "tool_calls": [
            {"name": x.name, "arguments": readable_arguments(x)} for x in answer.tool_calls
        ],
        "finish_reason": answer.finish_reason,
        "model": answer.model,
        "system_fingerprint": answer.system_fingerprint,
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
        "wire_problems": [f"{x.path}: {x.what}" for x in answer.wire_problems],
    }
