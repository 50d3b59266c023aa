"""Targets as a suite writes them: who is asked, where, and how it is shown who asks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.model.credential import AuthChoice  # noqa: TC001 - pydantic looks at fields
from contractcheck.model.target import parse_target
from contractcheck.suite.addresses import is_safe_url
from contractcheck.suite.auth_fields import AUTH_SCHEMA, read_auth
from contractcheck.suite.fields import FieldError, show

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonValue

PLACE_PATTERNS = {
    "region": r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?",
    "api_version": r"[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?",
    "project": r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
}
_PLACES = {
    "region": "a region such as eu-central-1",
    "api_version": "a version such as 2024-10-21 or v1beta",
    "project": "the id of a project, such as my-project-1",
}

_KEYS = frozenset({"target", "auth", "base_url", "mapping", *PLACE_PATTERNS})

_TARGET_TEXT = {"type": "string", "pattern": r"^[^:\s]+:\S+$"}
TARGET_SCHEMA = {
    "anyOf": [
        _TARGET_TEXT,
        {
            "type": "object",
            "properties": {
                "target": _TARGET_TEXT,
                "base_url": {"type": "string"},
                "auth": AUTH_SCHEMA,
                "mapping": {"type": "string", "minLength": 1},
                **{
                    name: {"type": "string", "pattern": f"^{pattern}$"}
                    for name, pattern in PLACE_PATTERNS.items()
                },
            },
            "required": ["target"],
            "additionalProperties": False,
        },
    ]
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetEntry:
    """One target as written: ``provider:model``, where it is, and how it is shown who asks."""

    provider: str
    model: str
    base_url: str | None = None
    region: str | None = None
    api_version: str | None = None
    project: str | None = None
    mapping: str | None = None
    auth: AuthChoice | None = None


def read_target(value: JsonValue) -> TargetEntry:
    """Read ``provider:model``, or a mapping of ``target`` and where it is."""
    place: dict[str, str] = {}
    auth: AuthChoice | None = None
    if isinstance(value, dict):
        unknown = sorted(set(value) - _KEYS)
        if unknown:
            raise FieldError(f"unknown key {unknown[0]!r}; allowed: {', '.join(sorted(_KEYS))}")
        if "auth" in value:
            auth = read_auth(value["auth"])
        if "base_url" in value:
            place["base_url"] = _read_url(value["base_url"])
        if "mapping" in value:
            place["mapping"] = _read_file_name(value["mapping"])
        for name in PLACE_PATTERNS.keys() & value:
            place[name] = _read_place(name, value[name])
        value = value.get("target")
    parts = parse_target(value) if isinstance(value, str) else None
    if parts is None:
        raise FieldError(
            f"expected provider:model, such as openai:gpt-5-mini, got {show(value)}; "
            "an endpoint is written {target: provider:model, base_url: https://…}"
        )
    return TargetEntry(provider=parts[0], model=parts[1], auth=auth, **place)


def _read_url(value: JsonValue) -> str:
    """An endpoint that may be sent a key: encrypted, or on this machine."""
    if isinstance(value, str) and is_safe_url(value):
        return value.rstrip("/")
    # A credential may stand there, and what CI prints is kept.
    is_shown = not isinstance(value, str) or set("@?#$").isdisjoint(value)
    raise FieldError(
        "base_url: expected an address such as https://llm.example.com/v1 (http only on this "
        "machine; no user, query or fragment), got "
        + (show(value) if is_shown else "a text with more (not shown)")
    )


def _read_file_name(value: JsonValue) -> str:
    if isinstance(value, str) and value:
        return value
    raise FieldError(f"mapping: expected a file such as gateway.yaml, got {show(value)}")


def _read_place(name: str, value: JsonValue) -> str:
    """A word that becomes part of an address: it must not be able to lead elsewhere."""
    if isinstance(value, str) and re.fullmatch(PLACE_PATTERNS[name], value):
        return value
    raise FieldError(f"{name}: expected {_PLACES[name]}, got {show(value)}")
