"""Who asks: credentials are put on a request last, and only for the host they belong to."""

from __future__ import annotations

from contractcheck.auth.authorizer import Authorizer
from contractcheck.auth.aws import AwsAuthorizer, find_aws
from contractcheck.auth.client_credentials import ClientCredentials
from contractcheck.auth.entra import find_entra
from contractcheck.auth.google import find_google
from contractcheck.auth.kept_keys import CommandSource, is_key, read_keyring_key
from contractcheck.auth.key import KeyAuthorizer
from contractcheck.auth.renewing import RenewingAuthorizer, Token, TokenSource

__all__ = [
    "Authorizer",
    "AwsAuthorizer",
    "ClientCredentials",
    "CommandSource",
    "KeyAuthorizer",
    "RenewingAuthorizer",
    "Token",
    "TokenSource",
    "find_aws",
    "find_entra",
    "find_google",
    "is_key",
    "read_keyring_key",
]
