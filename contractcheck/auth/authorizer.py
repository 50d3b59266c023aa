"""What puts a credential on a request, and gets another one when it has expired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contractcheck.auth.held import Learn
    from contractcheck.model.exchange import Headers
    from contractcheck.model.wire import WireRequest


class Authorizer(Protocol):
    """Shows who asks."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything secret that it holds by now; none of it may be written down."""

    @property
    def account(self) -> str:
        """What tells accounts apart, and stays the same when a token is renewed; a secret.

        Whoever shows no secret of its own to get tokens has none: empty.
        """

    def tell(self, learn: Learn) -> None:
        """Have ``learn`` told every secret: those held now, and each new one before it is used."""

    async def authorize(self, request: WireRequest, base_url: str) -> Headers:
        """Return all headers to send: the request's own and the credential.

        Raises:
            MeasurementError: If there is no credential to be had.
        """

    async def renew(self, used: Headers) -> bool:
        """Get another credential, after an answer of 401; many may ask for it at once.

        Args:
            used: The headers that were refused.

        Returns:
            Whether a request is worth another attempt.

        Raises:
            MeasurementError: If there is no credential to be had.
        """
