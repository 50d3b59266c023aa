"""Is a baseline fit to be watched: two-level cases, and nights that resemble their neighbours.

Four tests at acceptance, each with its own chance of a false word per suite, limits from the
fitted family. Odd nights are shrunk first: an odd night is no level.
"""

from __future__ import annotations

import numpy as np
from frontier_charts import Tuning, lag, standardise, to_angles

ERRORS = {"step": 0.02, "steps": 0.01, "spread": 0.01, "likeness": 0.02}  # any case of a suite
_TOGETHER = 3  # cases whose steps are added: several that step a little
_FEWEST = 2  # nights of a level


def measure_baseline(nights):
    """Steps and spreads per case (R, C); largest steps together, and likeness of nights, (R, 1)."""
    accepted = nights.accepted
    base = nights.outputs[: accepted + 1]  # one later night: nothing is learnt from it
    z = standardise(to_angles(base), accepted, Tuning(radius=1.6, clip=3.0))[:accepted]
    z = z - z.mean(0)
    square = np.maximum((z**2).mean(-1).sum(0), 1e-6)
    step = _largest_step(z)
    return {
        "step": step,
        "steps": np.sort(step, -1)[:, -_TOGETHER:].sum(-1, keepdims=True),
        "spread": (z**2).sum(0) / (accepted - 1),
        "likeness": (lag(z, 1).sum(0) / square)[:, None],
    }


def _largest_step(z):
    """Largest standardised difference between the means before and after any night."""
    nights = len(z)
    total = np.cumsum(z, 0)
    steps = [
        np.abs(total[before - 1]) * np.sqrt(1.0 / before + 1.0 / (nights - before))
        for before in range(_FEWEST, nights - _FEWEST + 1)
    ]
    return np.max(steps, axis=0)


def limits_of(maxima):
    """Limits from the fitted family's (R,) maxima over cases."""
    return {name: float(np.quantile(values, 1.0 - ERRORS[name])) for name, values in maxima.items()}


def flag_cases(measured, limits):
    """(R, C) cases that are not fit to be watched."""
    return (measured["step"] > limits["step"]) | (measured["spread"] > limits["spread"])


def flag_baselines(measured, limits):
    """(R,) baselines with such a case, or several, or whose nights resemble their neighbours."""
    whole = [measured[name][:, 0] > limits[name] for name in ("steps", "likeness")]
    return flag_cases(measured, limits).any(-1) | np.any(whole, axis=0)
