"""What a vector looks like to a statistic: the sides of many planes that it lies on.

A vector becomes its signs against 1,024 fixed random planes (Charikar, STOC 2002): two vectors at
an angle of t radians fall apart on a share t / pi of them. That holds for dense vectors, which
embeddings are: normals of +1 and -1 stand for Gaussian ones, and do not tell small turns of a
vector that is nearly all in one entry. As numbers of one size, signs are unit vectors like those
of texts, and are compared by the same methods, but what moves a vector by less than a thousandth
of its length hardly shows: embeddings of one text differ by some 1e-4 from call to call
(openai/openai-python#868), which is no change of the model.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PLANES: Final = 1024
"""Planes of a sketch: a share of .01, which is a cosine of .9995, is told to a third of itself."""

_KEY: Final = b"contractcheck sketch 1"
_SIZE: Final = 1.0 / np.sqrt(PLANES)  # a power of two, so that half precision holds it exactly


def read_vector(text: str, *, metric: str) -> Floats:
    """Read a vector (D,) that is written as a JSON list of numbers.

    Raises:
        UsageError: The text is no such list; says which metric.
    """
    try:
        vector = np.asarray(json.loads(text), np.float64)
    except (ValueError, TypeError, RecursionError):
        vector = np.empty(0)
    if vector.ndim != 1 or not vector.size or not np.isfinite(vector).all():
        raise UsageError(f"metric {metric!r} holds {text[:40]!r}, which is no list of numbers")
    return vector


def sketch_vectors(vectors: Sequence[Floats]) -> Floats:
    """Sketch vectors; their lengths play no part.

    Args:
        vectors: N of any dimensions, finite; of different dimensions they have nothing in common.

    Returns:
        (N, 1024) rows of norm 1 whose entries are 1/32 or -1/32.
    """
    sketches = np.empty((len(vectors), PLANES))
    for sketch, vector in zip(sketches, vectors, strict=True):
        sketch[:] = np.where(_planes(len(vector)) @ vector < 0, -_SIZE, _SIZE)
    return sketches


def cosine_of(product: float) -> float:
    """Return the cosine between two vectors, given the product of their sketches (-1 to 1)."""
    return float(np.cos(np.pi * (1.0 - np.clip(product, -1.0, 1.0)) / 2.0))


@lru_cache(maxsize=2)
def _planes(dimensions: int) -> Floats:
    """Planes with normals of +1 and -1 (Achlioptas, JCSS 2003): the same for ever.

    They come out of SHAKE-256 (FIPS 202), as no library's random numbers are promised to stay.
    """
    name = _KEY + b" %d" % dimensions
    raw = hashlib.shake_256(name).digest((PLANES * dimensions + 7) // 8)
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), count=PLANES * dimensions)
    return 2.0 * bits.reshape(PLANES, dimensions).astype(np.float64) - 1.0
