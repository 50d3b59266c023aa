"""Which provider speaks which wire format, and what is known of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Literal, cast

from contractcheck.wire_contracts.schema import PublishedShape, published_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from contractcheck.model.completion import WireProblem
    from contractcheck.model.wire import Frame

    Check = Callable[[Sequence[Frame]], Iterator[WireProblem]]

FORMATS: Mapping[str, str] = {
    "anthropic": "anthropic-messages",
    "azure": "azure-chat",
    "bedrock": "bedrock",
    "cohere": "cohere",
    "deepseek": "openai-chat",
    "gemini": "gemini",
    "groq": "openai-chat",
    "llamacpp": "openai-chat",
    "mistral": "mistral",
    "ollama": "openai-chat",
    "openai": "openai-chat",
    "openai-embeddings": "openai-embeddings",
    "openai-responses": "openai-responses",
    "openrouter": "openai-chat",
    "together": "openai-chat",
    "vertex": "gemini",
    "vllm": "openai-chat",
    "xai": "openai-chat",
}
"""Provider → wire format. Of any other provider (declared mappings, other packages) nothing is
published here, and its shape can only be learnt."""


@dataclass(frozen=True, kw_only=True)
class WireFormat:
    """One wire format.

    Attributes:
        name: As stored with learnt shapes.
        schema: Name of the published schema; empty when there is none.
        kind_by: What says of which kind a frame is: its framing, its member ``type``, or nothing,
            when all are of one.
        orders: Names of the checks of a stream's order, as ``module:function``.
    """

    name: str
    schema: str
    kind_by: Literal["name", "type", "nothing"]
    orders: tuple[str, ...] = ()

    @property
    def shape(self) -> PublishedShape:
        """The documented shape; of nothing, when none is published."""
        return published_shape(self.schema) if self.schema else PublishedShape(frames={}, places={})

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The checks of a stream's order."""
        return tuple(_load(name) for name in self.orders)

    def kind_of(self, frame: Frame) -> str:
        """Say of which kind a frame is."""
        if not frame.name:
            return "body"
        if self.kind_by == "nothing":
            return "chunk"
        kind = None if frame.document is None else frame.document.get("type")
        if self.kind_by == "type" and isinstance(kind, str):
            return kind
        return frame.name


def wire_format(provider: str) -> WireFormat:
    """Return the wire format of a provider: its own, without published shape, when it has none."""
    known = _FORMATS.get(FORMATS.get(provider, ""))
    return known or WireFormat(name=provider, schema="", kind_by="name")


def _load(name: str) -> Check:
    module, _, function = name.partition(":")
    found = getattr(import_module(f"contractcheck.wire_contracts.grammar.{module}"), function)
    return cast("Check", found)


_TOOL_INDICES = "chat_chunks:check_tool_indices"
_ALL = (
    WireFormat(
        name="anthropic-messages",
        schema="anthropic-messages",
        kind_by="type",
        orders=("anthropic_events:check_messages",),
    ),
    WireFormat(
        name="azure-chat",
        schema="openai-chat",
        kind_by="nothing",
        orders=("chat_chunks:check_azure_chunks", _TOOL_INDICES),
    ),
    WireFormat(
        name="bedrock", schema="bedrock", kind_by="name", orders=("bedrock_events:check_events",)
    ),
    WireFormat(
        name="cohere", schema="cohere", kind_by="type", orders=("cohere_events:check_events",)
    ),
    WireFormat(
        name="gemini", schema="gemini", kind_by="nothing", orders=("gemini_chunks:check_contents",)
    ),
    WireFormat(
        name="mistral",
        schema="mistral",
        kind_by="nothing",
        orders=("chat_chunks:check_chunks", _TOOL_INDICES),
    ),
    WireFormat(
        name="openai-chat",
        schema="openai-chat",
        kind_by="nothing",
        orders=("chat_chunks:check_chunks", _TOOL_INDICES),
    ),
    WireFormat(name="openai-embeddings", schema="openai-embeddings", kind_by="nothing"),
    WireFormat(
        name="openai-responses",
        schema="openai-responses",
        kind_by="type",
        orders=("response_events:check_responses",),
    ),
)
_FORMATS: Mapping[str, WireFormat] = {one.name: one for one in _ALL}
