"""Who asks: credentials are put on a request last, and only for the host they belong to."""

from __future__ import annotations

from contractcheck.auth.authorizer import Authorizer
from contractcheck.auth.key import KeyAuthorizer

__all__ = ["Authorizer", "KeyAuthorizer"]
