"""Numbers that depend on names alone: the same parts always give the same draw.

Everything random in the simulator starts here, so that answers depend on what
was asked and when (which night, which repetition), never on the order in which
concurrent requests happened to arrive.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from statistics import NormalDist

import numpy as np

_STANDARD_NORMAL = NormalDist()
_SEPARATOR = "\x1f"
_SCALE = 2.0**64


def keyed_integer(*parts: str) -> int:
    """Return 64 bits of BLAKE2b (RFC 7693) over ``parts``."""
    digest = blake2b(_SEPARATOR.join(parts).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


def keyed_uniform(*parts: str) -> float:
    """Return a number in the open interval (0, 1)."""
    return min((keyed_integer(*parts) + 0.5) / _SCALE, 1.0 - 2.0**-53)


def keyed_normal(*parts: str) -> float:
    """Return a standard normal deviate."""
    return _STANDARD_NORMAL.inv_cdf(keyed_uniform(*parts))


def keyed_normals(count: int, *parts: str) -> list[float]:
    """Return ``count`` independent standard normal deviates."""
    deviates: list[float] = (
        np.random.default_rng(keyed_integer(*parts)).standard_normal(count).tolist()
    )
    return deviates


def keyed_random(*parts: str) -> Random:
    """Return a fresh generator seeded by ``parts``."""
    return Random(keyed_integer(*parts))  # noqa: S311 - a simulation, not a secret
