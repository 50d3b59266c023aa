"""How answers end, in words that are the same for every provider."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

AnswerEnding = Literal[
    "finished",
    "tool_calls",
    "length",
    "refused",
    "filtered",
    "malformed",
    "paused",
    "failed",
    "other",
    "none",
]
"""The model had said all (``finished``) or calls tools; a limit of tokens cut it (``length``); it
declined (``refused``), or the provider kept something back (``filtered``); the model wrote what
the provider could not read (``malformed``); it is to be asked to go on (``paused``); the provider
broke off (``failed``); a reason that is not known here (``other``), or no reason (``none``)."""

_SPELLINGS: Final[Mapping[AnswerEnding, str]] = MappingProxyType(
    {
        "finished": "stop end_turn stop_sequence complete completed",
        "tool_calls": "tool_calls tool_call tool_use function_call",
        "length": (
            "length max_tokens max_output_tokens max_messages model_length"
            " model_context_window_exceeded"
        ),
        "refused": "refusal",
        "filtered": (
            "content_filter content_filtered guardrail_intervened safety recitation blocklist"
            " prohibited_content spii model_armor jailbreak image_safety image_prohibited_content"
            " image_recitation language escalation"
        ),
        "malformed": (
            "malformed_function_call malformed_response malformed_model_output malformed_tool_use"
            " unexpected_tool_call too_many_tool_calls missing_thought_signature"
        ),
        "paused": "pause_turn continuation in_progress queued",
        "failed": "error error_toxic timeout failed cancelled",
    }
)
"""OpenAI chat completions and responses (``status``, and ``incomplete_details.reason``), Anthropic
messages (``stop_reason``), Gemini (``FinishReason`` and ``BlockedReason``), Bedrock Converse
(``stopReason``), Mistral and Cohere v2 (``finish_reason``): the values in the references and in
the types of their SDKs as of 2026-11. No two providers mean different things by one spelling."""

_ENDINGS: Final[Mapping[str, AnswerEnding]] = MappingProxyType(
    {spelling: ending for ending, words in _SPELLINGS.items() for spelling in words.split()}
)

ENDINGS: Final[tuple[AnswerEnding, ...]] = (*_SPELLINGS, "other", "none")
"""Every ending."""


def ending_of(finish_reason: str | None) -> AnswerEnding:
    """Say how an answer ended, whoever gave it.

    Args:
        finish_reason: As the provider spells it, in any case; None when there was none.
    """
    if finish_reason is None:
        return "none"
    return _ENDINGS.get(finish_reason.lower(), "other")
