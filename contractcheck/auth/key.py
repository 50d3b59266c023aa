"""A key that stays the same for the whole run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.auth.held import Learn
    from contractcheck.model.exchange import Headers
    from contractcheck.model.wire import WireRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyAuthorizer:
    """An API key in a header.

    Attributes:
        key: The secret.
        header: Name of the header, lower case.
        prefix: Stands before the key.
    """

    key: str = field(repr=False)
    header: str = "authorization"
    prefix: str = "Bearer "

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key."""
        return (self.key,)

    @property
    def account(self) -> str:
        """The key."""
        return self.key

    def tell(self, learn: Learn) -> None:
        """Tell the key."""
        learn(self.secrets)

    async def authorize(self, request: WireRequest, base_url: str) -> Headers:  # noqa: ARG002 - a key is the same for any path of its host
        """Return the request's headers and the key."""
        return (*request.headers, (self.header, f"{self.prefix}{self.key}"))

    async def renew(self, used: Headers) -> bool:  # noqa: ARG002 - there is no other key
        """A key that was refused stays refused."""
        return False
