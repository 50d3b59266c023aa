"""How a provider wants to be shown who asks; never the credential itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A secret text in a header.

    Attributes:
        variable: Environment variable that usually holds it.
        header: Lower case.
        prefix: Stands before the key.
    """

    variable: str
    header: str = "authorization"
    prefix: str = "Bearer "


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsSignature:
    """AWS Signature Version 4 over the whole request; ``service`` is its signing name."""

    service: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GoogleToken:
    """A bearer token of Google's application default credentials, for ``scope``."""

    scope: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EntraToken:
    """A bearer token of Microsoft Entra ID, for ``scope``."""

    scope: str


CredentialScheme = ApiKey | AwsSignature | GoogleToken | EntraToken
