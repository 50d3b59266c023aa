"""Random generators that follow from what is compared, not from when or in which order."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable


def derive_generator(
    purpose: str, *, suite: str, cases: Iterable[str] = (), runs: Iterable[str] = ()
) -> np.random.Generator:
    """Make the generator of one computation: same names, same bytes, on any machine.

    Args:
        purpose: What the numbers are for, so that two computations on the same data do not share
            their luck.
        suite: Name or fingerprint of the suite, empty if there is none.
        cases: Names of the cases, in any order.
        runs: Names of the runs; their order counts, since old and new differ.
    """
    parts = [purpose, suite, "cases", *sorted(cases), "runs", *runs]
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return np.random.default_rng(int.from_bytes(digest.digest(), "big"))
