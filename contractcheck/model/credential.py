"""How a provider wants to be shown who asks; never the credential itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """The name of an environment variable, written ``${NAME}``; what it holds is read at last."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SchemeChoice:
    """A suite's choice among the ways that a wire knows.

    Attributes:
        method: ``key``, ``aws``, ``google`` or ``entra``.
        variable: Where the key is, for ``key``; None leaves it to the wire.
        file: Of the suite.
        line: Where it is written there.
    """

    method: Literal["key", "aws", "google", "entra"]
    variable: Variable | None = None
    file: str = ""
    line: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientLogin:
    """A suite's choice of OAuth 2.0 client credentials (RFC 6749, section 4.4).

    Attributes:
        token_url: Whom tokens are asked of; https, or on this machine.
        client_id: A text or a variable.
        client_secret: A variable: a suite holds no secret.
        scope: Blank-separated; empty leaves it to the server.
        audience: Whom the token is for; empty sends none.
        method: Where id and secret are sent: ``basic`` in a header, ``post`` in the form.
        file: Of the suite.
        line: Where it is written there.
    """

    token_url: str
    client_id: str | Variable
    client_secret: Variable
    scope: str = ""
    audience: str = ""
    method: Literal["basic", "post"] = "basic"
    file: str = ""
    line: int | None = None


AuthChoice = SchemeChoice | ClientLogin
"""What a suite may say of a credential: names and places only."""
