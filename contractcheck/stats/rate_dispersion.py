"""Do rates vary between blocks of time more than chance alone would make them?

Trials of one block share an hour, a deployment, a load. If rates move from block to block, an
interval that takes all trials for independent is too narrow by the root of the dispersion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

_METHOD = "Pearson dispersion of block totals, dealt anew within cases"
# Sums of the same terms in another order round differently; closer than this is a tie.
_SAME = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Dispersion:
    """Variance of block totals over what independent trials would have.

    Attributes:
        estimate: Pearson's statistic over its degrees of freedom; 1 is pure chance.
        low: Lower bound.
        high: Upper bound; ``inf`` where nothing varied.
        p: Chance of at least this much if trials do not depend on their block.
        factor: ``max(1, estimate)``, to widen the variance of a difference by.
        n_blocks: Blocks that it was estimated from.
        method: What was computed, and its source.
    """

    estimate: float
    low: float
    high: float
    p: float
    factor: float
    n_blocks: int
    method: str


def measure_dispersion(
    events: ArrayLike,
    trials: ArrayLike,
    *,
    rng: np.random.Generator,
    permutations: int = 999,
    confidence: float = 0.95,
) -> Dispersion:
    """Compare block totals with what independent trials of the same cases would give.

    A block's residual is its events less those expected from each case's own rate, summed over
    cases; for two sides, the candidate's less the baseline's, so that what moves both alike
    cancels. The estimate is Pearson's dispersion (McCullagh and Nelder 1989, section 4.5) with
    variances conditional on each case's total, so its mean under pure chance is 1 however rare
    the events. p deals each case's events to its trials anew, and is exact. The bounds take the
    estimate for a scaled chi-squared with the variance that those deals have (Satterthwaite 1946).

    Args:
        events: (B, C) events of one side by block and case, or (2, B, C) of baseline and candidate.
        trials: Same shape, trials; 0 where a case is missing in a block.
        rng: Source of the deals.
        permutations: How many.
        confidence: Two-sided coverage of the bounds, in (0, 1).

    Raises:
        UsageError: Shapes, counts or settings are out of range.
    """
    counts, sizes = _flatten(events, trials)
    signs = _signs(np.ndim(events), counts.shape[1])
    if permutations < 1 or not 0.0 < confidence < 1.0:
        raise UsageError(
            f"permutations is {permutations} and confidence {confidence}; "
            "need at least 1, and a value between 0 and 1"
        )
    observed = _squared_residuals(counts[None], sizes, signs)
    expected = _expected_squares(counts, sizes)
    n_blocks = len(counts)
    if expected == 0.0:
        return _nothing_varied(n_blocks)
    dealt = _deal(counts, sizes, permutations, rng)
    chance = _squared_residuals(dealt, sizes, signs)
    estimate = float(observed[0]) / expected
    degrees = min(n_blocks - 1.0, 2 / max(float(np.mean((chance / expected - 1) ** 2)), 1e-12))
    low, high = _scaled_bounds(estimate, degrees, confidence)
    beyond = int(np.count_nonzero(chance >= observed[0] * (1 - _SAME)))
    return Dispersion(
        estimate=estimate,
        low=low,
        high=high,
        p=(beyond + 1) / (permutations + 1),
        factor=max(1.0, estimate),
        n_blocks=n_blocks,
        method=_METHOD,
    )


def block_dispersion(events: ArrayLike, trials: ArrayLike) -> float:
    """Estimate as :func:`measure_dispersion` does, without its test; 1 where nothing varied.

    Raises:
        UsageError: Shapes or counts are out of range.
    """
    counts, sizes = _flatten(events, trials)
    expected = _expected_squares(counts, sizes)
    if expected == 0.0:
        return 1.0
    signs = _signs(np.ndim(events), counts.shape[1])
    return float(_squared_residuals(counts[None], sizes, signs)[0]) / expected


def _flatten(events: ArrayLike, trials: ArrayLike) -> tuple[Counts, Counts]:
    """(B, columns) events and trials; a column is a case of a side."""
    counts, sizes = np.asarray(events), np.asarray(trials)
    fits = counts.shape == sizes.shape and (
        counts.ndim == 2 or (counts.ndim == 3 and counts.shape[0] == 2)  # noqa: PLR2004 - the two forms of the docstring
    )
    if not fits:
        raise UsageError(
            f"events of shape {counts.shape} and trials of shape {sizes.shape}; both are "
            "(blocks, cases) or (2, blocks, cases)"
        )
    if np.any(counts < 0) or np.any(counts > sizes):
        raise UsageError("a block has fewer than 0 events or more than trials")
    if counts.shape[-2] < 2:  # noqa: PLR2004 - a variance needs two
        raise UsageError("one block cannot show how blocks vary; give at least 2")
    flat = [part if part.ndim == 2 else np.concatenate(part, axis=1) for part in (counts, sizes)]  # noqa: PLR2004 - two sides side by side
    return flat[0].astype(np.int64), flat[1].astype(np.int64)


def _signs(dimensions: int, columns: int) -> Floats:
    signs = np.ones(columns)
    if dimensions == 3:  # noqa: PLR2004 - baseline and candidate
        signs[: columns // 2] = -1.0
    return signs


def _squared_residuals(counts: Counts, sizes: Counts, signs: Floats) -> Floats:
    """(R,) sum over blocks of the squared residual, of (R, B, columns) counts."""
    totals = np.maximum(sizes.sum(axis=0), 1)
    expected = sizes * counts[0].sum(axis=0) / totals
    residuals = (counts - expected) @ signs
    squares: Floats = np.einsum("rb,rb->r", residuals, residuals)
    return squares


def _expected_squares(counts: Counts, sizes: Counts) -> float:
    """The same under pure chance, given each column's total: hypergeometric variances."""
    totals, events = sizes.sum(axis=0), counts.sum(axis=0)
    rates = events / np.maximum(totals, 1)
    left = (totals - sizes) / np.maximum(totals - 1, 1)
    return float(np.sum(sizes * rates * (1 - rates) * left))


def _deal(counts: Counts, sizes: Counts, times: int, rng: np.random.Generator) -> Counts:
    """(times, B, columns) events of each column dealt to its trials at random."""
    dealt = np.repeat(counts[None], times, axis=0)
    totals, events = sizes.sum(axis=0), counts.sum(axis=0)
    for column in np.flatnonzero((events > 0) & (events < totals)):
        dealt[:, :, column] = rng.multivariate_hypergeometric(
            sizes[:, column], events[column], size=times
        )
    return dealt


def _scaled_bounds(estimate: float, degrees: float, confidence: float) -> tuple[float, float]:
    from scipy.special import chdtri

    tail = (1.0 - confidence) / 2.0
    upper, lower = (float(chdtri(degrees, share)) for share in (tail, 1.0 - tail))
    return estimate * degrees / upper, estimate * degrees / lower if lower > 0 else np.inf


def _nothing_varied(n_blocks: int) -> Dispersion:
    return Dispersion(
        estimate=1.0,
        low=0.0,
        high=np.inf,
        p=1.0,
        factor=1.0,
        n_blocks=n_blocks,
        method=_METHOD,
    )
