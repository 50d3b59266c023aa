"""Tokens of Google's application default credentials, by google-auth.

https://cloud.google.com/docs/authentication/application-default-credentials
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, cast

from contractcheck.auth.extras import import_extra
from contractcheck.auth.plain_http import ask_token_server
from contractcheck.auth.renewing import Token
from contractcheck.errors import MeasurementError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ERROR_CODE = re.compile(r"[a-z_]{1,40}(?=:|$)")
"""Of RFC 6749, section 5.2, with which google-auth begins its texts; the rest may echo anything."""


_OURS = "the token server "
"""Begins what our own transport says."""


class GoogleCredentials(Protocol):
    """What is used of google-auth's credentials."""

    token: str | None
    expiry: datetime | None

    def refresh(self, request: object) -> None:
        """Get a new token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GoogleSource:
    """Gets tokens for one scope.

    Attributes:
        credentials: As google-auth found them, for the scope.
    """

    credentials: GoogleCredentials = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What an authorised user's file holds; a service account signs with a key of its own."""
        names = ("refresh_token", "client_secret", "token")
        held = (getattr(self.credentials, name, None) for name in names)
        return tuple(value for value in held if isinstance(value, str) and value)

    def fetch(self) -> Token:
        """Get a new token: see ``TokenSource``."""
        exceptions = import_extra("google.auth.exceptions", "google")
        words = ""
        try:
            self.credentials.refresh(_Transport())
        except exceptions.GoogleAuthError as error:
            words = _words(error)
        if words:
            raise MeasurementError(f"no token of Google's default credentials: {words}")
        project = getattr(self.credentials, "quota_project_id", None)
        return Token(
            value=self.credentials.token or "",
            lifetime_s=_seconds_to(self.credentials.expiry),
            headers=(("x-goog-user-project", project),) if isinstance(project, str) else (),
        )


def find_google(scope: str) -> GoogleSource | None:
    """Find the application default credentials; None when there are none.

    A file that ``GOOGLE_APPLICATION_CREDENTIALS`` names, gcloud's own, the metadata server, in
    google-auth's order; may ask the metadata server.

    Raises:
        UsageError: If google-auth is not installed.
    """
    auth = import_extra("google.auth", "google")
    exceptions = import_extra("google.auth.exceptions", "google")
    try:
        credentials, _project = auth.default(scopes=[scope])
    except exceptions.DefaultCredentialsError:
        return None
    return GoogleSource(credentials=cast("GoogleCredentials", credentials))


def _words(error: Exception) -> str:
    """What went wrong, as far as it is certain to hold no secret."""
    text = str(error.args[0]) if error.args else ""
    if text.startswith(_OURS):
        return text
    code = _ERROR_CODE.match(text)
    return f"{type(error).__name__}{f' ({code[0]})' if code else ''}"


def _seconds_to(expiry: datetime | None) -> float | None:
    """Google-auth keeps UTC without saying so."""
    if expiry is None:
        return None
    return max(0.0, (expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Response:
    """An answer in google-auth's terms."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    data: bytes = field(repr=False)


class _Transport:
    """Google-auth's requests, sent as ours are: bounded, without proxies, cookies or redirects."""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_kwargs: object,
    ) -> _Response:
        """Send one request.

        Raises:
            google.auth.exceptions.TransportError: If no answer came.
        """
        data = body.encode() if isinstance(body, str) else body or b""
        reply = ask_token_server(
            method, url, headers=headers or {}, body=data, limit_s=timeout or 10.0
        )
        if reply.problem:
            exceptions = import_extra("google.auth.exceptions", "google")
            raise exceptions.TransportError(f"{_OURS}{reply.problem}")
        return _Response(status=reply.status, headers=reply.headers, data=reply.body)
