"""A token that expires: got before it is needed, and got once however many wait for it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from contractcheck.auth.apart import SharedWork, run_apart
from contractcheck.auth.held import HeldSecrets
from contractcheck.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Callable

    from contractcheck.auth.held import Learn
    from contractcheck.model.exchange import Headers
    from contractcheck.model.wire import WireRequest

_LONGEST_MARGIN_S = 60.0
"""How long before it expires a token is replaced: a request may wait for a connection. Of a token
that lives shorter than ten minutes, a tenth of its life."""

_PATIENCE_S = 10.0
"""How long a token that is still good is used when another one could not be had."""

_VISIBLE = re.compile(r"[!-~]{1,65536}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """What a source grants: a bearer token (RFC 6750), or a key that is read anew.

    Attributes:
        value: The secret; visible ASCII, so that nothing can hide in a header.
        lifetime_s: From when it was asked for; None if nobody said.
        headers: What else is sent with it.
    """

    value: str = field(repr=False)
    lifetime_s: float | None = None
    headers: Headers = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no header.

        Raises:
            MeasurementError: If the value is empty, or no visible ASCII.
        """
        if not _VISIBLE.fullmatch(self.value):
            raise MeasurementError(
                "the token that was granted cannot be sent: it is empty, too long, or holds "
                "more than visible ASCII"
            )


class TokenSource(Protocol):
    """Where tokens come from."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What it shows to get one."""

    def fetch(self) -> Token:
        """Get a new token; blocks.

        Raises:
            MeasurementError: If there is none to be had.
        """


@dataclass(slots=True, eq=False)
class RenewingAuthorizer:
    """Sends a token of a source, and replaces it when it expires or is refused.

    Attributes:
        source: Where tokens come from.
        header: Where the token is sent, lower case.
        prefix: Stands before the token.
        clock: Seconds that only grow.
        account: The first secret of the source, or empty.
    """

    source: TokenSource = field(repr=False)
    header: str = "authorization"
    prefix: str = "Bearer "
    clock: Callable[[], float] = time.monotonic
    account: str = field(init=False, repr=False)
    _held: HeldSecrets = field(default_factory=HeldSecrets, repr=False)
    _token: Token | None = field(default=None, repr=False)
    _due: float | None = None
    _end: float | None = None
    _fetching: SharedWork[Token] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Hold what the source holds."""
        self.account = next(iter(self.source.secrets), "")
        self._fetching = SharedWork(self._fetch)
        self._held.add(*self.source.secrets)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Those of the source, and every token so far."""
        return self._held.values

    def tell(self, learn: Learn) -> None:
        """Have ``learn`` told every secret: see ``Authorizer``."""
        self._held.tell(learn)

    async def authorize(self, request: WireRequest, base_url: str) -> Headers:  # noqa: ARG002 - a token is the same for any path of its host
        """Return the request's headers and the token: see ``Authorizer``."""
        token = self._token
        if token is None or (self._due is not None and self.clock() >= self._due):
            token = await self._in_time(token)
        return (*request.headers, self._shown(token), *token.headers)

    async def renew(self, used: Headers) -> bool:
        """Replace the token, unless another has taken its place since: see ``Authorizer``."""
        refused = self._token
        if refused is not None and self._shown(refused) not in used:
            return True
        token = await self._fetching.result()
        return refused is None or token.value != refused.value

    async def _in_time(self, token: Token | None) -> Token:
        """Another token; the old one while it is good and no other can be had."""
        try:
            return await self._fetching.result()
        except MeasurementError:
            now = self.clock()
            if token is None or self._end is None or now >= self._end:
                raise
            self._due = min(now + _PATIENCE_S, self._end)
            return token

    async def _fetch(self) -> Token:
        asked = self.clock()
        self._token = token = await run_apart(self._fetch_and_tell)
        life_s = token.lifetime_s
        self._end = None if life_s is None else asked + life_s
        self._due = None if life_s is None else asked + life_s - min(_LONGEST_MARGIN_S, life_s / 10)
        return token

    def _fetch_and_tell(self) -> Token:
        token = self.source.fetch()
        self._held.add(token.value, *self.source.secrets)
        return token

    def _shown(self, token: Token) -> tuple[str, str]:
        return self.header, f"{self.prefix}{token.value}"
