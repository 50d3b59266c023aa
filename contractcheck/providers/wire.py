"""What every wire dialect can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.credential import CredentialScheme
    from contractcheck.model.exchange import Response
    from contractcheck.model.suite import Case
    from contractcheck.model.target import Target
    from contractcheck.model.wire import Frame, WireRequest


class Dialect(Protocol):
    """One provider's wire; stateless and pure. Should be a ``TellsContent`` too."""

    @property
    def base_url(self) -> str:
        """The provider's public endpoint, without trailing slash; ``{region}`` is the target's.

        Empty when there is none, and a target has to name its own.
        """

    @property
    def schemes(self) -> tuple[CredentialScheme, ...]:
        """Ways to show who asks, the usual one first."""

    @property
    def idempotency_header(self) -> str | None:
        """Header by which a repeated request is known for a repetition, if there is one."""

    def build(self, case: Case, target: Target) -> WireRequest:
        """Write the request for one trial of a case, without credential.

        Raises:
            UsageError: If the case asks for what this wire cannot say, or the target lacks
                what its path needs.
        """

    def frames(self, response: Response) -> tuple[Frame, ...]:
        """Cut an answer into its events; never raises."""

    def read(self, response: Response) -> Completion:
        """Read a 200 response that ended normally, streamed or not; never raises."""


@runtime_checkable
class TellsContent(Protocol):
    """A wire that says which of its events carry content: ``--first-token-timeout`` asks.

    ``providers.first_content.NamedContent`` is a base that knows the names of the built-in wires.
    Of a dialect without this member the first event counts, whatever it says.
    """

    def has_content(self, frame: Frame) -> bool:
        """Say whether an event of an answer that is not over yet carries content; never raises.

        Content is anything that a model says: text, a tool call, reasoning. What only opens an
        answer, keeps the connection or counts tokens is none.
        """
