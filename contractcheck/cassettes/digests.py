"""Digests of a sealed run: one per file, and one root over all of them."""

from __future__ import annotations

import hashlib

import orjson


def file_digest(data: bytes) -> str:
    """sha256 as hex: what a reviewer can check with any tool."""
    return hashlib.sha256(data).hexdigest()


def root_digest(header: dict[str, object], files: dict[str, str]) -> str:
    """Digest over the header and all file digests."""
    material = orjson.dumps([header, files], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(material).hexdigest()
