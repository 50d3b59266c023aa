"""Tokens of Microsoft Entra ID, by azure-identity.

https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self, cast

from contractcheck.auth.extras import import_extra
from contractcheck.auth.renewing import Token
from contractcheck.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class EntraAnswer(Protocol):
    """A token as azure-core has it."""

    token: str
    expires_on: int


class EntraCredential(Protocol):
    """What is used of azure-identity's credentials."""

    def get_token(self, *scopes: str) -> EntraAnswer:
        """Get a token; a kept one as long as it is good."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class EntraSource:
    """Gets tokens for one scope.

    Attributes:
        scope: Such as ``https://cognitiveservices.azure.com/.default``.
        make: Makes the credential.
    """

    scope: str
    make: Callable[[], EntraCredential] = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """None that we know: azure-identity keeps its own to itself."""
        return ()

    def fetch(self) -> Token:
        """Get a new token: see ``TokenSource``."""
        exceptions = import_extra("azure.core.exceptions", "entra")
        found: EntraAnswer | None = None
        name = ""
        try:
            # A new credential each time: one that was asked before would give the token that it
            # has kept, and that may be the one that was refused.
            with self.make() as credential:
                found = credential.get_token(self.scope)
        except exceptions.AzureError as error:
            name = type(error).__name__
        if found is None:
            raise MeasurementError(
                f"no token of Entra ID ({name}): log in with `az login`, or set AZURE_TENANT_ID, "
                "AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
            )
        return Token(value=found.token, lifetime_s=max(0.0, found.expires_on - time.time()))


def find_entra(scope: str) -> EntraSource:
    """Find how azure-identity would log in: environment, workload, machine, ``az``, in its order.

    Whether any of these can is known only when the first token is asked for.

    Raises:
        UsageError: If azure-identity is not installed.
    """
    identity = import_extra("azure.identity", "entra")
    make = cast("Callable[[], EntraCredential]", identity.DefaultAzureCredential)
    return EntraSource(scope=scope, make=make)
