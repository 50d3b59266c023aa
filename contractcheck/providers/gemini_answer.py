"""Read what Gemini answers, whole or streamed, from the Gemini API or from Vertex AI.

Sources: https://ai.google.dev/api/generate-content (``GenerateContentResponse``, ``Candidate``,
``FinishReason``, ``PromptFeedback``, ``UsageMetadata``, ``LogprobsResult``),
https://ai.google.dev/api/caching (``Part``, ``FunctionCall``); fields and values that came later as
the types of the official SDK google-genai 3.4 know them.

A stream has no last event of its own. What ends it well is a ``finishReason``, or the reason why
the prompt was blocked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.model.completion import Completion, Outcome, ToolCall
from contractcheck.providers.error_envelope import is_error, parse_error_document
from contractcheck.providers.failures import has_error, late_error, unreadable
from contractcheck.providers.gemini_logprobs import read_first_token
from contractcheck.providers.shape import Shape, parse_object
from contractcheck.providers.sse import is_event_stream, parse_events

if TYPE_CHECKING:
    from contractcheck.model.exchange import Response
    from contractcheck.model.json_value import JsonObject

_FINISHED = frozenset({"STOP", "MAX_TOKENS"})
"""The model wrote until it was done or the limit came: then there is a content, if an empty one."""

_FINISH_REASONS = frozenset(
    {
        *_FINISHED,
        "BLOCKLIST",
        "CONTINUATION",
        "ESCALATION",
        "IMAGE_OTHER",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_SAFETY",
        "LANGUAGE",
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "MODEL_ARMOR",
        "NO_IMAGE",
        "OTHER",
        "PROHIBITED_CONTENT",
        "PUP_LIMITED_DISABLED",
        "RECITATION",
        "SAFETY",
        "SPII",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    }
)
_BLOCK_REASONS = frozenset(
    {
        "BLOCKLIST",
        "IMAGE_SAFETY",
        "JAILBREAK",
        "MODEL_ARMOR",
        "OTHER",
        "PROHIBITED_CONTENT",
        "SAFETY",
    }
)
_UNSPECIFIED = frozenset({"FINISH_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED"})
"""The zero of both enumerations: nothing was said."""

_CANDIDATE_FIELDS = frozenset(
    {
        "avgLogprobs",
        "citationMetadata",
        "content",
        "continuationToken",
        "finishMessage",
        "finishReason",
        "groundingAttributions",
        "groundingMetadata",
        "index",
        "logprobsResult",
        "safetyRatings",
        "tokenCount",
        "urlContextMetadata",
    }
)
_PART_FIELDS = frozenset(
    {
        "audioMetadata",
        "audioTranscription",
        "codeExecutionResult",
        "documentMetadata",
        "executableCode",
        "fileData",
        "functionCall",
        "functionResponse",
        "inlineData",
        "mediaProcessing",
        "mediaResolution",
        "partMetadata",
        "speechMetadata",
        "spreadsheetMetadata",
        "text",
        "thought",
        "thoughtSignature",
        "toolCall",
        "toolResponse",
        "videoMetadata",
    }
)
_CALL_FIELDS = frozenset({"args", "id", "name"})
_COUNTS = (
    "promptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "cachedContentTokenCount",
    "totalTokenCount",
)
_PATH = "candidates[0]"


def read_gemini(response: Response) -> Completion:
    """Read an answer of status 200, streamed or not; never raises."""
    if is_event_stream(response):
        return _read_stream(response.body)
    return _read_whole(response.body)


@dataclass(slots=True)
class _Parts:
    """What an answer is put together from, whole or event by event."""

    shape: Shape = field(default_factory=Shape)
    text: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    members: set[str] = field(default_factory=set)
    candidate_members: set[str] = field(default_factory=set)
    is_blocked: bool = False
    finish_reason: str | None = None
    model: str | None = None
    response_id: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    first_content_byte: int | None = None
    first_token_logprobs: tuple[tuple[str, float], ...] = ()

    def completion(self) -> Completion:
        self._judge()
        (outcome, detail), counts = self.shape.outcome, self.counts
        # The protobuf mapping leaves zeros out: a count that is missing among others is none.
        written, thought = counts.get("candidatesTokenCount", 0), counts.get("thoughtsTokenCount")
        return Completion(
            outcome=outcome,
            detail=detail,
            text="".join(self.text),
            tool_calls=tuple(self.calls),
            finish_reason=self.finish_reason,
            model=self.model,
            input_tokens=counts.get("promptTokenCount"),
            # Thoughts are billed as output, and every other wire counts them as such.
            output_tokens=written + (thought or 0) if counts else None,
            first_content_byte=self.first_content_byte,
            wire_problems=tuple(self.shape.problems),
            first_token_logprobs=self.first_token_logprobs,
            reasoning_text="".join(self.thoughts),
            cached_input_tokens=counts.get("cachedContentTokenCount"),
            reasoning_tokens=thought,
            total_tokens=counts.get("totalTokenCount"),
            response_id=self.response_id,
        )

    def _judge(self) -> None:
        """Look at the answer as a whole: is everything there that its end promises?"""
        shape, reason = self.shape, self.finish_reason
        if not self.counts:
            shape.additive("usageMetadata", "none came, so tokens are not counted")
        elif "promptTokenCount" not in self.counts:
            _note_missing(shape, "usageMetadata.promptTokenCount", set(self.counts))
        if self.model is None:
            shape.additive("modelVersion", "none came, so who answered is not told")
        if not self.candidate_members:
            if self.is_blocked:
                return
            if "candidates" in self.members:
                shape.breaking("candidates", "holds no answer")
            else:
                _note_missing(shape, "candidates", self.members)
            return
        if reason is None:
            _note_missing(shape, f"{_PATH}.finishReason", self.candidate_members)
        if "content" not in self.candidate_members:
            is_due = reason is None or reason in _FINISHED
            _note_missing(shape, f"{_PATH}.content", self.candidate_members, is_breaking=is_due)
        is_empty = not self.text and not self.calls
        if is_empty and reason == "STOP":
            shape.renamed("unknown field carries text, and no part has any")


def _note_missing(shape: Shape, path: str, present: set[str], *, is_breaking: bool = True) -> None:
    found = ", ".join(sorted(present)) or "nothing"
    note = shape.breaking if is_breaking else shape.additive
    note(path, f"required field is missing (present: {found})")


def _read_whole(body: bytes) -> Completion:
    document = parse_object(body)
    if document is None:
        listed = parse_error_document(body)
        if listed is not None and is_error(listed):
            return late_error(body, "HTTP 200")
        return unreadable(body)
    if has_error(document):
        return late_error(body, "HTTP 200")
    parts = _Parts()
    _take_response(parts, document)
    return parts.completion()


def _read_stream(body: bytes) -> Completion:
    parts, end = _Parts(), 0
    for event in parse_events(body):
        chunk = parse_object(event.data)
        if chunk is None:
            listed = parse_error_document(event.data)
            if listed is not None and is_error(listed):
                return late_error(event.data, "in the stream")
            return Completion(outcome=Outcome.MALFORMED, detail="a stream event is not JSON")
        if has_error(chunk):
            return late_error(event.data, "in the stream")
        had_content = bool(parts.text or parts.calls)
        _take_response(parts, chunk)
        if not had_content and (parts.text or parts.calls):
            parts.first_content_byte = event.last_byte
        end = event.last_byte + 1
    # What broke before a cut stays broken. Old models send a finishReason with every event, so
    # what was begun behind the last one counts too.
    is_whole = parts.finish_reason is not None and not _has_more(body[end:])
    if not is_whole and parts.shape.first_break is None:
        return Completion(outcome=Outcome.TRUNCATED, detail="the stream ended without finishReason")
    return parts.completion()


def _has_more(rest: bytes) -> bool:
    """Whether an event begins in what follows the last whole one; comments are none."""
    return any(line and not line.startswith(b":") for line in rest.splitlines())


def _take_response(parts: _Parts, document: JsonObject) -> None:
    shape = parts.shape
    parts.members.update(document)
    parts.model = shape.optional(document, "modelVersion", str, "") or parts.model
    parts.response_id = shape.optional(document, "responseId", str, "") or parts.response_id
    usage = shape.optional(document, "usageMetadata", dict, "") or {}
    for name in _COUNTS:
        # Every event of a stream counts from the beginning.
        count = shape.optional(usage, name, int, "usageMetadata")
        if count is not None:
            parts.counts[name] = count
    feedback = shape.optional(document, "promptFeedback", dict, "") or {}
    reason = shape.optional(feedback, "blockReason", str, "promptFeedback")
    if reason is not None and reason not in _UNSPECIFIED:
        parts.is_blocked = True
        parts.finish_reason = reason
        shape.known("promptFeedback.blockReason", reason, _BLOCK_REASONS)
    candidates = shape.optional(document, "candidates", list, "") or []
    for _, candidate in shape.objects(candidates[:1], "candidates"):
        _take_candidate(parts, candidate)


def _take_candidate(parts: _Parts, candidate: JsonObject) -> None:
    shape = parts.shape
    parts.candidate_members.update(name for name, value in candidate.items() if value is not None)
    for name in sorted(set(candidate) - _CANDIDATE_FIELDS):
        shape.unknown(f"{_PATH}.{name}", candidate[name])
    content = shape.optional(candidate, "content", dict, _PATH) or {}
    found = shape.optional(content, "parts", list, f"{_PATH}.content") or []
    for place, part in shape.objects(found, f"{_PATH}.content.parts"):
        _take_part(parts, part, place)
    reason = shape.optional(candidate, "finishReason", str, _PATH)
    if reason is not None and reason not in _UNSPECIFIED:
        parts.finish_reason = reason
        shape.known(f"{_PATH}.finishReason", reason, _FINISH_REASONS)
    parts.first_token_logprobs = parts.first_token_logprobs or read_first_token(candidate)


def _take_part(parts: _Parts, part: JsonObject, path: str) -> None:
    shape = parts.shape
    for name in sorted(set(part) - _PART_FIELDS):
        shape.unknown(f"{path}.{name}", part[name])
    if text := shape.optional(part, "text", str, path):
        is_thought = shape.optional(part, "thought", bool, path)
        (parts.thoughts if is_thought else parts.text).append(text)
    call = shape.optional(part, "functionCall", dict, path)
    if call is not None:
        _take_call(parts, call, f"{path}.functionCall")


def _take_call(parts: _Parts, call: JsonObject, path: str) -> None:
    shape = parts.shape
    for name in sorted(set(call) - _CALL_FIELDS):
        shape.unknown(f"{path}.{name}", call[name])
    parts.calls.append(
        ToolCall(
            name=shape.required(call, "name", str, path) or "",
            # A call without arguments has no args.
            arguments=shape.optional(call, "args", dict, path) or {},
            is_parsed=True,
            id=shape.optional(call, "id", str, path),
        )
    )
