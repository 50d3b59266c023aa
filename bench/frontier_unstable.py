"""Is a baseline fit to be watched: what `stats.baseline_fitness` says of many years at once."""

from __future__ import annotations

import numpy as np
from frontier_charts import streams

from contractcheck.stats.baseline_fitness import ERRORS, measure_baseline
from contractcheck.stats.monitor_thresholds import baseline_limit


def measure(nights):
    """Figures of each test: per case (R, C), or (R,); the limits that are shipped."""
    outputs = streams(nights)["outputs"]
    cases = outputs.values.shape[-1]
    limits = {
        test: baseline_limit(test, accepted=nights.accepted, cases=cases, error=error)
        for test, error in ERRORS.items()
    }
    return measure_baseline(outputs), limits


def flag_cases(measured, limits):
    """(R, C) cases that are not fit to be watched."""
    return (measured["step"] > limits["step"]) | (measured["spread"] > limits["spread"])


def flag_baselines(measured, limits):
    """(R,) baselines with such a case, or several, or whose nights resemble their neighbours."""
    whole = [measured[test] > limits[test] for test in ("steps", "likeness")]
    return flag_cases(measured, limits).any(-1) | np.any(whole, axis=0)
