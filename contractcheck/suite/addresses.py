"""Addresses that a credential may be sent to at all, whoever trusts their host."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonValue


def is_safe_url(value: JsonValue) -> bool:
    """Whether a value is an address that is encrypted, or on this machine, and no more than that.

    No user, query or fragment, which may hold a credential; no ``${…}``, which is read in ``auth``
    only.
    """
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return False
    try:
        url = urlsplit(value)
        host, _port = url.hostname, url.port
    except ValueError:
        return False
    is_safe = url.scheme == "https" or (url.scheme == "http" and is_loopback(host or ""))
    has_more = "@" in url.netloc or not set("?# ").isdisjoint(value) or "${" in value
    return bool(host) and is_safe and not has_more


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: ``localhost`` (RFC 6761) or a loopback address (RFC 6890).

    Args:
        host: As ``urlsplit`` finds it; other names and ways to write a number are no loopback.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
