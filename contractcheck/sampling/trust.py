"""Whom a client believes to be the provider it asks."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable


def trusted(base_urls: Iterable[str]) -> ssl.SSLContext | bool:
    """The ``verify`` of a client that asks at these addresses.

    Reading a machine's certificate authorities takes as long as a few requests. Where only plain
    HTTP is asked (a server of this machine), none are read, and so none is trusted: should such a
    client come to speak TLS after all, the handshake fails.

    Args:
        base_urls: Absolute addresses.

    Returns:
        True for the library's own authorities, or a context that trusts nobody.
    """
    if all(urlsplit(url).scheme == "http" for url in base_urls):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return True
