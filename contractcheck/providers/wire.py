"""What every wire dialect can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.exchange import Headers, Response
    from contractcheck.model.suite import Case


@dataclass(frozen=True, kw_only=True, slots=True)
class WireRequest:
    """A request ready to be sent; the credential is in it, so it is never stored as it is."""

    method: str
    path: str
    headers: Headers
    body: bytes


class Dialect(Protocol):
    """One provider's wire."""

    @property
    def base_url(self) -> str:
        """The provider's public endpoint, without trailing slash."""

    @property
    def key_variable(self) -> str:
        """Environment variable that holds the API key."""

    def build(self, case: Case, model: str, key: str) -> WireRequest:
        """Write the request for one trial of a case; asks for a stream."""

    def read(self, response: Response) -> Completion:
        """Read a 200 response that ended normally, streamed or not; never raises."""
