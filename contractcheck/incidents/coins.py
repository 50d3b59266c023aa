"""Numbers that depend on names alone, so that equal names are struck alike."""

from __future__ import annotations

from hashlib import blake2b

_SCALE = 2.0**64


def keyed_share(*parts: str) -> float:
    """Return a number in [0, 1), uniform over names (BLAKE2b, RFC 7693)."""
    return int.from_bytes(_digest(parts, 8), "big") / _SCALE


def keyed_letters(length: int, *parts: str) -> str:
    """Return that many hexadecimal letters, 0 to 128."""
    return _digest(parts, 64).hex()[:length]


def _digest(parts: tuple[str, ...], size_bytes: int) -> bytes:
    joined = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return blake2b(joined, digest_size=size_bytes).digest()
