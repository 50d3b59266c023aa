"""p-values from relabellings, and what becomes of them when there are several.

Rows are relabellings, row 0 the observed one; p is the share of rows at least as extreme as row
0, so it is never 0 (Phipson and Smyth 2010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from contractcheck.stats.layout import Floats

CASE_TIE = 1e-5
"""Case statistics are kept in single precision; those closer than this are ties."""

# Rows of step-down maxima that are held at once.
_CHUNK_ELEMENTS = 2**21


def tail_shares(statistics: Floats, tolerances: Floats) -> Floats:
    """Per row and column, the share of rows at least as large: each row's own p-value.

    Args:
        statistics: (R, J), row 0 observed.
        tolerances: (J,) what still counts as a tie.
    """
    n_rows = statistics.shape[0]
    shares = np.empty_like(statistics)
    for column in range(statistics.shape[1]):
        values = statistics[:, column]
        below = np.searchsorted(np.sort(values), values - tolerances[column], side="left")
        shares[:, column] = (n_rows - below) / n_rows
    return shares


def extremity(statistics: Floats, tolerances: Floats) -> Floats:
    """How far out each value lies among the rows of its column, in [0, 1).

    ``z / (1 + z)`` of the standard deviations beyond the second, in millionths, so that rounding
    breaks no tie; nearer values are all 0.

    Args:
        statistics: (R, J), row 0 observed.
        tolerances: (J,) what still counts as a tie; a column that spreads no more is all ties.
    """
    mean, spread = statistics.mean(axis=0), statistics.std(axis=0)
    varies = spread > tolerances
    z = np.where(varies, (statistics - mean) / np.where(varies, spread, 1.0), 0.0)
    out = np.maximum(z - 2.0, 0.0)
    parts: Floats = np.round(1e6 * out / (1.0 + out)) / 1e6
    return parts


def step_down_min(shares: Floats) -> Floats:
    """Adjust p-values for there being several, by the smallest one (strong family-wise control).

    Source: Westfall and Young, Resampling-Based Multiple Testing (1993), algorithm 2.8.

    Args:
        shares: (R, M) p-values under every relabelling, row 0 observed.

    Returns:
        (M,) adjusted p-values; their smallest is the global p-value.
    """
    return _step_down(-shares, tolerance=1e-12)


def step_down_max(scores: NDArray[np.float32]) -> Floats:
    """Adjust for several standardised statistics by the largest one (max-T).

    Source: Westfall and Young (1993), algorithm 4.1. Preferred to the smallest p where there are
    more hypotheses than relabellings, since p-values would then all be tied at 1 / R.

    Args:
        scores: (R, H), row 0 observed.

    Returns:
        (H,) adjusted p-values.
    """
    return _step_down(scores, tolerance=CASE_TIE)


def case_shares(scores: NDArray[np.float32]) -> Floats:
    """(H,) unadjusted p-values of the observed row."""
    shares: Floats = np.mean(scores >= scores[0] - CASE_TIE, axis=0)
    return shares


def _step_down(values: NDArray[np.float32] | Floats, *, tolerance: float) -> Floats:
    n_rows, n_hypotheses = values.shape
    order = np.argsort(-values[0], kind="stable")
    bars = values[0, order] - tolerance
    reached = np.zeros(n_hypotheses)
    step = max(1, _CHUNK_ELEMENTS // max(n_hypotheses, 1))
    for start in range(0, n_rows, step):
        upwards = values[start : start + step][:, order[::-1]]
        rest = np.maximum.accumulate(upwards, axis=1)[:, ::-1]
        reached += np.count_nonzero(rest >= bars, axis=0)
    adjusted = np.empty(n_hypotheses)
    adjusted[order] = np.maximum.accumulate(reached / n_rows)
    return adjusted
