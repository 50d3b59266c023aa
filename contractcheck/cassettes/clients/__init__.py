"""Adapters: one file per family of HTTP clients, all behind the same session.

An adapter is a function ``patches(session, library)``: it returns what to put in the place of
which method while a session is open. To add a client library: one file, one line in ``ADAPTERS``.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from contractcheck.cassettes.clients import aiohttp_session, httpx_transports, urllib3_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from contractcheck.cassettes.session import Session

    Patch = tuple[type, str, Callable[..., object]]
    """Owner, name of its method, and the replacement."""

    Adapter = Callable[[Session, str], Sequence[Patch]]

ADAPTERS: tuple[tuple[str, Adapter], ...] = (
    ("httpx", httpx_transports.patches),
    ("httpx2", httpx_transports.patches),
    ("aiohttp", aiohttp_session.patches),
    ("urllib3", urllib3_pool.patches),
)
"""Library to intercept when it is installed, and how."""


def client_patches(session: Session) -> tuple[Patch, ...]:
    """Return the patches for every client library that is installed."""
    return tuple(
        patch
        for library, patches in ADAPTERS
        if find_spec(library) is not None
        for patch in patches(session, library)
    )
