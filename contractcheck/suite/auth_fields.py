"""The ``auth`` of a target: how it is shown who asks, in names only.

A suite may come from a pull request. It holds no secret, and reads none: it names variables, and
the person who runs it decides which may be named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, cast, get_args

from contractcheck.checks.registry import listing
from contractcheck.model.credential import AuthChoice, ClientLogin, SchemeChoice, Variable
from contractcheck.suite.addresses import is_safe_url
from contractcheck.suite.fields import FieldError, guess, show

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonValue

_Scheme = Literal["key", "aws", "google", "entra"]
SCHEMES: tuple[str, ...] = get_args(_Scheme)

_VARIABLE = r"\$\{[A-Z][A-Z0-9_]{0,63}\}"
_PLAIN_TEXT = r"[!-~][ -~]{0,255}"
_LOGIN_KEYS = ("token_url", "client_id", "client_secret", "scope", "audience", "method")
_METHODS = ("basic", "post")

_VARIABLE_SCHEMA = {"type": "string", "pattern": f"^{_VARIABLE}$"}
_TEXT_SCHEMA = {"type": "string", "pattern": f"^{_PLAIN_TEXT}$"}
AUTH_SCHEMA = {
    "anyOf": [
        {"enum": list(SCHEMES)},
        {
            "type": "object",
            "properties": {"key": _VARIABLE_SCHEMA},
            "required": ["key"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {
                "oauth2": {
                    "type": "object",
                    "properties": {
                        "token_url": {"type": "string"},
                        "client_id": _TEXT_SCHEMA,
                        "client_secret": _VARIABLE_SCHEMA,
                        "scope": _TEXT_SCHEMA,
                        "audience": _TEXT_SCHEMA,
                        "method": {"enum": list(_METHODS)},
                    },
                    "required": ["token_url", "client_id", "client_secret"],
                    "additionalProperties": False,
                }
            },
            "required": ["oauth2"],
            "additionalProperties": False,
        },
    ]
}


def read_auth(value: JsonValue) -> AuthChoice:
    """Read ``aws``, ``{key: ${NAME}}`` or ``{oauth2: {…}}``."""
    if isinstance(value, str) and value in SCHEMES:
        return SchemeChoice(method=cast("_Scheme", value))
    if isinstance(value, dict) and set(value) == {"key"}:
        return SchemeChoice(method="key", variable=_read_variable("auth.key", value["key"]))
    if isinstance(value, dict) and set(value) == {"oauth2"}:
        return _read_login(value["oauth2"])
    # What stands there instead may be a secret.
    raise FieldError(
        f"auth: expected {listing(SCHEMES)}, or a mapping with key or oauth2 (what stands there is "
        "not shown)"
    )


def _read_login(value: JsonValue) -> ClientLogin:
    if not isinstance(value, dict):
        raise FieldError("auth.oauth2: expected a mapping (what stands there is not shown)")
    for name in value.keys() - set(_LOGIN_KEYS):
        raise FieldError(f"auth.oauth2: unknown key {name[:40]!r}; {guess(name, _LOGIN_KEYS)}")
    for name in ("token_url", "client_id", "client_secret"):
        if name not in value:
            raise FieldError(f"auth.oauth2: missing key {name!r}")
    method = value.get("method", "basic")
    if method not in _METHODS:
        raise FieldError(f"auth.oauth2.method: expected {listing(_METHODS)}, got {show(method)}")
    return ClientLogin(
        token_url=_read_token_url(value["token_url"]),
        client_id=_read_client_id(value["client_id"]),
        client_secret=_read_variable("auth.oauth2.client_secret", value["client_secret"]),
        scope=_read_text("scope", value["scope"]) if "scope" in value else "",
        audience=_read_text("audience", value["audience"]) if "audience" in value else "",
        method=cast("Literal['basic', 'post']", method),
    )


def _read_variable(where: str, value: JsonValue) -> Variable:
    if isinstance(value, str) and re.fullmatch(_VARIABLE, value):
        return Variable(name=value[2:-1])
    raise FieldError(
        f"{where}: expected the name of an environment variable, such as ${{GATEWAY_KEY}}: a suite "
        "holds no secret (what stands there is not shown)"
    )


def _read_client_id(value: JsonValue) -> str | Variable:
    if isinstance(value, str) and value.startswith("${"):
        return _read_variable("auth.oauth2.client_id", value)
    return _read_text("client_id", value)


def _read_text(key: str, value: JsonValue) -> str:
    if isinstance(value, str) and re.fullmatch(_PLAIN_TEXT, value) and "${" not in value:
        return value
    raise FieldError(f"auth.oauth2.{key}: expected a text of at most 256 ASCII characters")


def _read_token_url(value: JsonValue) -> str:
    if is_safe_url(value):
        return cast("str", value)
    raise FieldError(
        "auth.oauth2.token_url: expected an address such as https://login.example.com/token (http "
        "only on this machine; no user, query, fragment or ${…}); what stands there is not shown"
    )
