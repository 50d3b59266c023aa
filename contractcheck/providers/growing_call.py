"""One tool call while it comes: its arguments whole, or as pieces of a JSON text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.model.completion import ToolCall
from contractcheck.providers.shape import parse_object

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject


@dataclass(slots=True)
class GrowingCall:
    """A tool call as far as it has come.

    Attributes:
        name: The tool's; empty before it came.
        id: By which its result is handed back, or None.
        text: Pieces of the arguments as JSON text; they go before ``given``.
        given: The arguments as an object, where they come as one.
    """

    name: str = ""
    id: str | None = None
    text: list[str] = field(default_factory=list)
    given: JsonObject | None = None

    def finished(self) -> ToolCall:
        """The call; arguments that are no JSON object are kept as they were written."""
        written = "".join(self.text)
        parsed = self.given if self.given is not None and not written else parse_object(written)
        return ToolCall(
            name=self.name,
            arguments=written if parsed is None else parsed,
            is_parsed=parsed is not None,
            id=self.id,
        )
