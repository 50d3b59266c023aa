"""Names that the stream of OpenAI responses documents: its events and its kinds of output items.

Source: OpenAI API reference, "Streaming events", and the schemas ``ResponseStreamEvent`` and
``OutputItem`` of the openai-openapi specification of 2026-08-19.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DONE: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
"""One of these ends every stream and holds the response as a whole."""

_FAMILIES: Final[Mapping[str, str]] = {
    "response": "created in_progress queued completed incomplete failed",
    "response.audio": "delta done",
    "response.audio.transcript": "delta done",
    "response.code_interpreter_call": "in_progress interpreting completed",
    "response.code_interpreter_call_code": "delta done",
    "response.compaction": "compacting",
    "response.content_part": "added done",
    "response.custom_tool_call_input": "delta done",
    "response.file_search_call": "in_progress searching completed",
    "response.function_call_arguments": "delta done",
    "response.image_generation_call": "in_progress generating partial_image completed",
    "response.mcp_call": "in_progress completed failed",
    "response.mcp_call_arguments": "delta done",
    "response.mcp_list_tools": "in_progress completed failed",
    "response.output_item": "added done",
    "response.output_text": "delta done annotation.added",
    "response.reasoning_summary_part": "added done",
    "response.reasoning_summary_text": "delta done",
    "response.reasoning_text": "delta done",
    "response.refusal": "delta done",
    "response.shell_call_command": "added delta done",
    "response.shell_call_output_content": "delta done",
    "response.web_search_call": "in_progress searching completed",
}

EVENTS: Final = frozenset(
    {
        "error",
        *(f"{family}.{step}" for family, steps in _FAMILIES.items() for step in steps.split()),
    }
)
"""Every documented event."""

SILENT_ITEMS: Final = frozenset(
    {
        "additional_tools",
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction",
        "computer_call",
        "computer_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "file_search_call",
        "function_call_output",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
"""Documented output items that are neither text, nor reasoning, nor a call of a case's tools."""
