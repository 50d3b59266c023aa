"""A gateway of one's own: asked and read as a mapping declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.providers.declared_reading import compiled, has_said, read_stream, read_whole
from contractcheck.providers.declared_request import write_request
from contractcheck.providers.sse import is_event_stream, read_frames

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.credential import CredentialScheme
    from contractcheck.model.exchange import Response
    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target
    from contractcheck.model.wire import Frame, WireRequest
    from contractcheck.model.wire_mapping import WireMapping


@dataclass(frozen=True, kw_only=True)
class DeclaredHttp:
    """The dialect of one mapping.

    Attributes:
        mapping: What is declared.
    """

    mapping: WireMapping

    def __post_init__(self) -> None:
        """Refuse paths that cannot be followed, before anything is asked or read."""
        for _, path in self.mapping.json_paths():
            compiled(path)

    @property
    def base_url(self) -> str:
        """None is public."""
        return ""

    @property
    def schemes(self) -> tuple[CredentialScheme, ...]:
        """The key that the mapping names."""
        return (self.mapping.key,)

    @property
    def idempotency_header(self) -> str | None:
        """No mapping can name one."""
        return None

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for a case.

        Raises:
            UsageError: If the case says something for which the mapping has no place.
        """
        return write_request(self.mapping, case, target.model)

    def frames(self, response: Response) -> tuple[Frame, ...]:
        """Cut an answer into its events."""
        return read_frames(response)

    def has_content(self, frame: Frame) -> bool:
        """Whether an event, or a whole body, has what the mapping declares as said."""
        is_event = frame.name != ""
        stream = self.mapping.stream if is_event else None
        return has_said(frame.document, self.mapping.answer if stream is None else stream.event)

    def read(self, response: Response) -> Completion:
        """Read an answer, streamed or not."""
        if self.mapping.stream is not None and is_event_stream(response):
            return read_stream(response.body, self.mapping.stream)
        return read_whole(response.body, self.mapping.answer)
