"""Read what ``Converse`` and ``ConverseStream`` of Amazon Bedrock answer.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and
API_runtime_ConverseStream.html; members, required or not, as the service model 2023-09-30 of
``bedrock-runtime`` has them in botocore 1.44. Events carry the undocumented padding ``p``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from contractcheck.model.completion import Completion, Outcome
from contractcheck.providers.aws_event_stream import is_aws_event_stream, parse_event_stream
from contractcheck.providers.failures import late_error, unreadable
from contractcheck.providers.growing_call import GrowingCall
from contractcheck.providers.shape import Shape, parse_object

if TYPE_CHECKING:
    from contractcheck.model.exchange import Response
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.providers.aws_event_stream import AwsMessage

_EMPTY_ENDINGS = frozenset(
    {
        "content_filtered",
        "guardrail_intervened",
        "malformed_model_output",
        "malformed_tool_use",
        "max_tokens",
        "model_context_window_exceeded",
    }
)
"""Endings after which an answer may well be empty."""

_STOP_REASONS = _EMPTY_ENDINGS | {"end_turn", "stop_sequence", "tool_use"}
_SILENT_BLOCKS = frozenset(
    {
        "audio",
        "cachePoint",
        "document",
        "guardContent",
        "image",
        "searchResult",
        "toolAddition",
        "toolRemoval",
        "toolResult",
        "video",
    }
)
_SILENT_DELTAS = frozenset({"citation", "image", "toolResult"})
_LAST_EVENTS = ("messageStop", "metadata")
_MESSAGE = "output.message"
_START = "contentBlockStart"
_DELTA = "contentBlockDelta"
_EVENTS = frozenset({"messageStart", _START, _DELTA, "contentBlockStop", *_LAST_EVENTS})


def read_converse(response: Response) -> Completion:
    """Read an answer of status 200, streamed or not; never raises."""
    if is_aws_event_stream(response):
        return _read_stream(response.body)
    return _read_whole(response.body)


@dataclass(slots=True)
class _Block:
    """One content block as it grows; all parts empty for kinds that are not read."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    call: GrowingCall | None = None


@dataclass(slots=True)
class _Parts:
    """What an answer is put together from, whole or event by event."""

    shape: Shape = field(default_factory=Shape)
    blocks: dict[int, _Block] = field(default_factory=dict)
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_input_tokens: int | None = None
    first_content_byte: int | None = None

    def completion(self) -> Completion:
        blocks = [self.blocks[index] for index in sorted(self.blocks)]
        text = "".join(piece for block in blocks for piece in block.text)
        calls = tuple(block.call.finished() for block in blocks if block.call is not None)
        self._judge(is_empty=not text and not calls, has_calls=bool(calls))
        outcome, detail = self.shape.outcome
        return Completion(
            outcome=outcome,
            detail=detail,
            text=text,
            tool_calls=calls,
            finish_reason=self.finish_reason,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            first_content_byte=self.first_content_byte,
            wire_problems=tuple(self.shape.problems),
            reasoning_text="".join(piece for block in blocks for piece in block.reasoning),
            cached_input_tokens=self.cached_input_tokens,
            total_tokens=self.total_tokens,
        )

    def _judge(self, *, is_empty: bool, has_calls: bool) -> None:
        """Look at the answer as a whole: is everything there that its end promises?"""
        shape, reason = self.shape, self.finish_reason
        shape.known("stopReason", reason, _STOP_REASONS)
        if reason == "tool_use" and not has_calls:
            shape.breaking("stopReason", "is 'tool_use', but no toolUse block came")
        if is_empty and reason not in _EMPTY_ENDINGS:
            shape.renamed("unknown member carries text, and no text block has any")


def _read_whole(body: bytes) -> Completion:
    document = parse_object(body)
    if document is None:
        return unreadable(body)
    parts = _Parts()
    shape = parts.shape
    output = shape.required(document, "output", dict, "")
    message = None if output is None else shape.required(output, "message", dict, "output")
    content = None if message is None else shape.required(message, "content", list, _MESSAGE)
    for index, block in enumerate(content or []):
        _take_block(parts, block, index)
    parts.finish_reason = shape.required(document, "stopReason", str, "")
    _take_usage(parts, document, "")
    return parts.completion()


def _take_usage(parts: _Parts, parent: JsonObject, path: str) -> None:
    shape = parts.shape
    usage = shape.required(parent, "usage", dict, path)
    if usage is not None:
        place = f"{path}.usage" if path else "usage"
        parts.input_tokens = shape.required(usage, "inputTokens", int, place)
        parts.output_tokens = shape.required(usage, "outputTokens", int, place)
        parts.total_tokens = shape.required(usage, "totalTokens", int, place)
        parts.cached_input_tokens = shape.optional(usage, "cacheReadInputTokens", int, place)


def _take_block(parts: _Parts, block: JsonValue, index: int) -> None:
    shape, path = parts.shape, f"{_MESSAGE}.content[{index}]"
    if not isinstance(block, dict):
        shape.breaking(path, "expected object")
        return
    taken = parts.blocks[index] = _Block()
    for kind in sorted(block):
        place = f"{path}.{kind}"
        if kind == "text":
            taken.text = _texts(shape, block, path)
        elif kind == "toolUse":
            _take_tool_use(shape, taken, block, path)
        elif kind == "reasoningContent":
            inner = shape.optional(block, kind, dict, path) or {}
            thought = shape.optional(inner, "reasoningText", dict, place) or {}
            taken.reasoning = _texts(shape, thought, f"{place}.reasoningText")
        elif kind == "citationsContent":
            # What the model says with its sources is said here instead of in a text block.
            inner = shape.optional(block, kind, dict, path) or {}
            for said in shape.optional(inner, "content", list, place) or []:
                if isinstance(said, dict):
                    taken.text += _texts(shape, said, f"{place}.content")
        elif kind not in _SILENT_BLOCKS:
            shape.unknown(place, block[kind], f"unknown content block {kind!r}")


def _texts(shape: Shape, parent: JsonObject, path: str) -> list[str]:
    text = shape.optional(parent, "text", str, path)
    return [text] if text else []


def _take_tool_use(shape: Shape, taken: _Block, block: JsonObject, path: str) -> None:
    used = shape.required(block, "toolUse", dict, path)
    if used is not None:
        place = f"{path}.toolUse"
        taken.call = _call(shape, used, place)
        taken.call.given = shape.required(used, "input", dict, place) or {}


def _call(shape: Shape, used: JsonObject, path: str) -> GrowingCall:
    """A call whose arguments are yet to come: without any they are none."""
    name = shape.required(used, "name", str, path)
    return GrowingCall(name=name or "", id=shape.required(used, "toolUseId", str, path), given={})


def _read_stream(body: bytes) -> Completion:
    parts, seen = _Parts(), set[str]()
    stream = parse_event_stream(body)
    for message in stream.messages:
        kind = message.headers.get(":message-type", "event")
        if kind in ("exception", "error"):
            return _late_exception(message)
        data = parse_object(message.payload)
        if message.name not in _EVENTS:
            what = f"unknown stream event {message.name!r}"
            parts.shape.unknown("event", data, what)
        elif data is None:
            return Completion(outcome=Outcome.MALFORMED, detail="a stream event is not JSON")
        else:
            _take_event(parts, message.name, data, message.last_byte)
            seen.add(message.name)
    # What broke before a cut stays broken.
    if parts.shape.first_break is None:
        if stream.flaw:
            return Completion(outcome=Outcome.MALFORMED, detail=f"in the stream, {stream.flaw}")
        missing = [name for name in _LAST_EVENTS if name not in seen]
        if stream.is_cut or missing:
            where = f"without {missing[0]}" if missing else "in the middle of a message"
            detail = f"the stream ended {where}"
            return Completion(outcome=Outcome.TRUNCATED, detail=detail)
    if "messageStart" not in seen:
        parts.shape.breaking("messageStart", "no such event came")
    return parts.completion()


def _late_exception(message: AwsMessage) -> Completion:
    """Return the completion of an exception in the stream, or of an error that has no model."""
    told = message.headers.get(":error-message")
    body = message.payload if told is None else orjson.dumps({"message": told})
    return late_error(body, "in the stream", error_type=message.name)


def _take_event(parts: _Parts, kind: str, data: JsonObject, last_byte: int) -> None:
    shape = parts.shape
    if kind == _START:
        _take_start(parts, data, last_byte)
    elif kind == _DELTA:
        _take_delta(parts, data, last_byte)
    elif kind == "messageStop":
        parts.finish_reason = shape.required(data, "stopReason", str, kind)
    elif kind == "metadata":
        _take_usage(parts, data, kind)


def _take_start(parts: _Parts, data: JsonObject, last_byte: int) -> None:
    shape = parts.shape
    index = shape.required(data, "contentBlockIndex", int, _START)
    start = shape.required(data, "start", dict, _START)
    if index is None or start is None:
        return
    taken = parts.blocks[index] = _Block()
    for kind in sorted(start):
        if kind == "toolUse":
            used = shape.required(start, kind, dict, f"{_START}.start") or {}
            taken.call = _call(shape, used, f"{_START}.start.toolUse")
            _note_content(parts, last_byte)
        elif kind not in _SILENT_BLOCKS:
            what = f"unknown content block {kind!r}"
            shape.unknown(f"{_START}.start.{kind}", start[kind], what)


def _take_delta(parts: _Parts, data: JsonObject, last_byte: int) -> None:
    shape, path = parts.shape, f"{_DELTA}.delta"
    index = shape.required(data, "contentBlockIndex", int, _DELTA)
    delta = shape.required(data, "delta", dict, _DELTA)
    if index is None or delta is None:
        return
    # Blocks of text and of reasoning are not started, they are just there.
    block = parts.blocks.setdefault(index, _Block())
    for kind in sorted(delta):
        if kind == "text":
            block.text += _texts(shape, delta, path)
        elif kind == "toolUse":
            used = shape.required(delta, kind, dict, path) or {}
            piece = shape.required(used, "input", str, f"{path}.toolUse")
            if block.call is None:
                shape.breaking(f"{path}.toolUse", "input for a call that was never started")
            else:
                block.call.text.append(piece or "")
        elif kind == "reasoningContent":
            inner = shape.required(delta, kind, dict, path) or {}
            block.reasoning += _texts(shape, inner, f"{path}.reasoningContent")
        elif kind not in _SILENT_DELTAS:
            shape.unknown(f"{path}.{kind}", delta[kind], f"unknown delta {kind!r}")
    if block.text or block.call is not None:
        _note_content(parts, last_byte)


def _note_content(parts: _Parts, last_byte: int) -> None:
    if parts.first_content_byte is None:
        parts.first_content_byte = last_byte
