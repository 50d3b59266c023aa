"""Is a baseline fit to be watched: two-level cases, and nights that resemble their neighbours.

Four tests, each with a chance of a false word per stream, on nights of which odd ones are shrunk:
an odd night is no level. Limits come from the same simulated nights as the charts' thresholds.
What they find and miss: docs/explanation/watch.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contractcheck.stats.monitor_likeness import lag_products
from contractcheck.stats.monitor_nights import Nights, Tuning
from contractcheck.stats.monitor_scale import standardise
from contractcheck.stats.monitor_thresholds import baseline_limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

ERRORS: Final[Mapping[str, float]] = {"step": 0.02, "steps": 0.01, "spread": 0.01, "likeness": 0.02}
"""Chance of a false word of each test, on any case of any stream of a suite together."""
_TOGETHER = 3
"""Cases whose largest steps are added: several that step a little."""
_FEWEST = 2
"""Nights of a level."""
_TUNING = Tuning(weight=0.3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitness:
    """Whether accepted nights promise anything about later ones.

    Attributes:
        unstable_cases: Places of cases that step between levels or stray more than the others.
        is_alike: Whether nights resemble their neighbours.
        is_unstable: Whether any test speaks; then no yearly rate is stated.
    """

    unstable_cases: tuple[int, ...]
    is_alike: bool
    is_unstable: bool


def examine(nights: Nights, *, streams: int = 1) -> Fitness:
    """Examine the accepted nights of one stream of outputs or conformance.

    Args:
        nights: (T, C); later nights are not looked at.
        streams: How many streams of the suite are examined: they share the errors.
    """
    import numpy as np

    watched = int(nights.is_known().any(0).sum())
    if not watched:
        return Fitness(unstable_cases=(), is_alike=False, is_unstable=False)
    limits = {
        test: baseline_limit(
            test, accepted=nights.accepted, cases=watched, error=error / max(streams, 1)
        )
        for test, error in ERRORS.items()
    }
    measured = measure_baseline(nights)
    cases = np.flatnonzero(
        (measured["step"] > limits["step"]) | (measured["spread"] > limits["spread"])
    )
    is_alike = bool(measured["likeness"] > limits["likeness"])
    return Fitness(
        unstable_cases=tuple(int(case) for case in cases),
        is_alike=is_alike,
        is_unstable=bool(cases.size or is_alike or measured["steps"] > limits["steps"]),
    )


def measure_baseline(nights: Nights) -> dict[str, FloatArray]:
    """Steps and spreads per case, (..., C); largest steps together, and likeness of nights, (...).

    Args:
        nights: (T, ..., C); later nights are not looked at.
    """
    import numpy as np

    accepted = nights.accepted
    base = Nights(
        values=nights.values[:accepted],
        variances=nights.variances[:accepted],
        accepted=accepted,
        placed=nights.placed,
    )
    known = base.is_known()
    count = np.maximum(known.sum(0), 1)
    z = standardise(base, _TUNING)
    z = np.where(known, z - z.sum(0) / count, 0.0)
    square = np.maximum((z**2).mean(-1).sum(0), 1e-6)
    step = _largest_step(z, known)
    return {
        "step": step,
        "steps": np.sort(step, -1)[..., -_TOGETHER:].sum(-1),
        "spread": np.where(known.any(0), (z**2).sum(0) / np.maximum(count - 1, 1), 0.0),
        "likeness": lag_products(z, 1).sum(0) / square,
    }


def _largest_step(z: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """(..., C) largest standardised difference between the means before and after any night."""
    import numpy as np

    total, seen = np.cumsum(z, 0), np.cumsum(known, 0)
    largest = np.zeros(z.shape[1:], z.dtype)
    for before in range(_FEWEST, len(z) - _FEWEST + 1):
        n_before = seen[before - 1]
        n_after = seen[-1] - n_before
        size = np.sqrt(1.0 / np.maximum(n_before, 1) + 1.0 / np.maximum(n_after, 1))
        # Deviations add up to nothing: the mean after is minus the sum before over its own count.
        difference = np.abs(total[before - 1]) * (
            1.0 / np.maximum(n_before, 1) + 1.0 / np.maximum(n_after, 1)
        )
        enough = (n_before >= _FEWEST) & (n_after >= _FEWEST)
        largest = np.maximum(largest, np.where(enough, difference / size, 0.0))
    return largest
