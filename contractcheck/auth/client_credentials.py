"""Tokens of OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

from __future__ import annotations

import re
import time
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote_plus, urlencode, urlsplit

import orjson

from contractcheck.auth.plain_http import ask_token_server
from contractcheck.auth.renewing import Token
from contractcheck.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Callable

    from contractcheck.auth.plain_http import Reply
    from contractcheck.model.json_value import JsonObject

_ATTEMPTS = 3
_PAUSE_S = 0.5
_OK, _TOO_MANY, _SERVER_ERROR = 200, 429, 500

_ERROR_CODE = re.compile(r"[a-z_]{1,40}")
"""Of RFC 6749, section 5.2; anything else a server says is not shown: it may echo the secret."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientCredentials:
    """A client that gets tokens for itself.

    Attributes:
        token_url: The token endpoint.
        client_id: Name of the client.
        client_secret: Its secret.
        scope: Blank-separated; empty leaves it to the server.
        audience: Whom the token is for, where the server asks (Auth0); empty sends none.
        method: ``basic`` sends id and secret in a header, ``post`` in the form (section 2.3.1).
        pause: Waits for so many seconds before another attempt.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    audience: str = ""
    method: Literal["basic", "post"] = "basic"
    pause: Callable[[float], None] = time.sleep

    @property
    def secrets(self) -> tuple[str, ...]:
        """The client's secret."""
        return (self.client_secret,)

    def fetch(self) -> Token:
        """Get a new token: see ``TokenSource``."""
        reply = self._ask()
        for attempt in range(1, _ATTEMPTS):
            if 0 < reply.status < _SERVER_ERROR and reply.status != _TOO_MANY:
                break
            self.pause(_PAUSE_S * 2**attempt)
            reply = self._ask()
        if reply.problem:
            raise MeasurementError(f"no token: {self._host} {reply.problem}")
        document = _document(reply)
        if reply.status != _OK or document is None:
            raise self._refused(reply, document)
        return self._token(document)

    def _ask(self) -> Reply:
        form = {"grant_type": "client_credentials", "scope": self.scope, "audience": self.audience}
        headers = {
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
        }
        if self.method == "post":
            form |= {"client_id": self.client_id, "client_secret": self.client_secret}
        else:
            pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
            headers["authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        body = urlencode({name: value for name, value in form.items() if value}).encode()
        return ask_token_server("POST", self.token_url, headers=headers, body=body)

    def _token(self, document: JsonObject) -> Token:
        value, kind = document.get("access_token"), document.get("token_type")
        if not isinstance(value, str):
            raise MeasurementError(f"no token: the answer of {self._host} has no access_token")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise MeasurementError(
                f"no token: {self._host} grants one that is no bearer token (token_type), and no "
                "other kind is known here"
            )
        return Token(value=value, lifetime_s=_lifetime_s(document.get("expires_in")))

    def _refused(self, reply: Reply, document: JsonObject | None) -> MeasurementError:
        code = document.get("error") if document else None
        words = code if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else "no JSON"
        if document is not None and words == "no JSON":
            words = "no known error"
        return MeasurementError(f"no token: {self._host} answered {reply.status} ({words})")

    @property
    def _host(self) -> str:
        return urlsplit(self.token_url).hostname or "the token server"


def _document(reply: Reply) -> JsonObject | None:
    try:
        document = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _lifetime_s(value: object) -> float | None:
    """Seconds; some servers write them as a text. What says nothing is left to the first 401."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return None
    return float(value)
