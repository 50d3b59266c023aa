"""Play years of a suite and judge every night of them as the watch does.

Nights are drawn as the numbers that charts add up (``stats.simulated_nights``), many years at once;
from there on everything is what judges: charts, thresholds, margins, tests of the baseline, and
the rule of two nights beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Final

import numpy as np

from contractcheck.judging.year_margins import hold_to_margin
from contractcheck.judging.year_model import harsher
from contractcheck.judging.year_repeats import PairRules, YearPairs, earlier
from contractcheck.stats.baseline_fitness import ERRORS, measure_baseline
from contractcheck.stats.monitor import make_charts
from contractcheck.stats.monitor_thresholds import baseline_limit, threshold
from contractcheck.stats.simulated_nights import draw_nights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from contractcheck.judging.year_model import WatchedStream
    from contractcheck.stats.monitor_nights import Nights, Plane
    from contractcheck.stats.simulated_nights import DrawnNights, Family

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

PLANES: Final[tuple[Plane, ...]] = ("outputs", "conformance", "latency")
NAIVE_LEVEL = 0.05
"""Of the test of one night that every charting stands beside: tonight against the accepted nights
as if nights did not vary."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class WatchRules:
    """What the watch of a suite is held to.

    Attributes:
        accepted: K.
        shares: Per stream the chance of any red in 365 nights that its charts may have.
        fast: The same of each stream of the rule of two nights.
        margins: Per latency the ratio that is news at least, of conformance the fall.
    """

    accepted: int
    shares: Mapping[str, float]
    fast: float
    margins: Mapping[str, float]

    @property
    def pairs(self) -> PairRules:
        """What two nights are held to."""
        return PairRules(accepted=self.accepted, share=self.fast, margins=self.margins)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class YearPiece:
    """Some years of one family, with one change or none: a piece of work.

    Attributes:
        streams: As fitted.
        rules: What judges.
        family: How nights follow each other.
        years: R.
        later: N nights after the baseline.
        seed: Of this piece alone.
        shifts: Per stream (C,) what the change moves, or None.
        one_case: Whether it moves one case only, another one in each year.
    """

    streams: tuple[WatchedStream, ...]
    rules: WatchRules
    family: Family
    years: int
    later: int
    seed: np.random.SeedSequence
    shifts: Mapping[str, FloatArray] | None = None
    one_case: bool = False


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlayedYears:
    """What became of R years.

    Attributes:
        first_red: (R,) first red night, counted from 1; 0 is none. An unstable baseline makes no
            outputs and no conformance red.
        judged: Per plane (R,) whether it would have turned red had no baseline been called so.
        by_pair: (R,) whether two nights made the first red, before any chart.
        is_unstable: (R,) whether any stream's accepted nights are called so: INCONCLUSIVE.
        naive_nights: (R,) nights on which the naive test rejects.
        first_naive: (R,) the first of them; 0 is none.
    """

    first_red: NDArray[np.int64]
    judged: Mapping[str, BoolArray]
    by_pair: BoolArray
    is_unstable: BoolArray
    naive_nights: NDArray[np.int64]
    first_naive: NDArray[np.int64]


def play_years(piece: YearPiece) -> PlayedYears:
    """Draw the years of a piece and judge them; the same piece gives the same years anywhere."""
    # A generator of single-precision numbers first of all: they take a quarter of the time.
    rng = np.random.Generator(np.random.SFC64(piece.seed))
    shape = piece.later, piece.years
    charted = {plane: np.zeros(shape, bool) for plane in PLANES}
    unstable = np.zeros(piece.years, bool)
    squares, cases = np.zeros(shape), np.zeros(shape)
    hit = _draw_cases(piece, rng)
    examined = sum(stream.plane != "latency" for stream in piece.streams)
    pairs = YearPairs(piece.rules.pairs, piece.family, rng)
    for stream in piece.streams:
        drawn = _draw(piece, stream, hit, rng)
        nights = drawn.nights
        charted[stream.plane] |= find_reds(nights, stream, piece.rules)
        if stream.plane != "latency":
            unstable |= are_unstable(nights, streams=examined)
        if stream.plane == "outputs":
            more, known = _naive_squares(nights)
            squares, cases = squares + more, cases + known
        pairs.add(stream, drawn)
    moot = {plane: unstable & (plane != "latency") for plane in PLANES}
    counting = {p: one & ~moot[p] for p, one in charted.items()}
    found = pairs.find({p: _place(one) for p, one in counting.items()})
    paired = {p: np.where(moot[p], 0, one) for p, one in found.items()}
    by_chart = _first(np.any([*counting.values()], axis=0))
    by_pair = reduce(earlier, paired.values())
    naive = _is_naive_red(squares, cases)
    return PlayedYears(
        first_red=earlier(by_chart, by_pair),
        judged={p: np.asarray(one.any(0) | (found[p] > 0)) for p, one in charted.items()},
        by_pair=(by_pair > 0) & ((by_chart == 0) | (by_pair < by_chart)),
        is_unstable=unstable,
        naive_nights=naive.sum(0),
        first_naive=_first(naive),
    )


def join_years(parts: Sequence[PlayedYears]) -> PlayedYears:
    """Put pieces of one family and change together, in their order."""
    return PlayedYears(
        first_red=np.concatenate([part.first_red for part in parts]),
        judged={
            plane: np.concatenate([part.judged[plane] for part in parts])
            for plane in parts[0].judged
        },
        by_pair=np.concatenate([part.by_pair for part in parts]),
        is_unstable=np.concatenate([part.is_unstable for part in parts]),
        naive_nights=np.concatenate([part.naive_nights for part in parts]),
        first_naive=np.concatenate([part.first_naive for part in parts]),
    )


def find_reds(nights: Nights, stream: WatchedStream, rules: WatchRules) -> BoolArray:
    """(N, R) nights on which any chart of a stream is above its threshold.

    Where there is a margin only the first night beyond it too, in each year. The scale goes on
    being learnt after a red night, which no first red night depends on.
    """
    share = rules.shares[stream.name]
    charts = make_charts(nights, stream.plane, {})
    watched = nights.is_known().any(0).sum(-1)
    over = np.zeros(charts[0].values.shape, bool)
    for count in np.unique(watched[watched > 0]):
        years = watched == count
        for chart in charts:
            limit = threshold(
                stream.plane, chart.kind, accepted=rules.accepted, cases=int(count), share=share
            )
            over[:, years] |= chart.values[:, years] > limit
    margin = rules.margins.get(stream.name)
    return over if margin is None else hold_to_margin(nights, over, stream, margin)


def are_unstable(nights: Nights, *, streams: int) -> BoolArray:
    """(R,) what ``baseline_fitness.examine`` says of each year's baseline.

    Args:
        nights: (T, R, C) of one stream.
        streams: How many of the suite are examined.
    """
    measured = measure_baseline(nights)
    watched = nights.is_known().any(0).sum(-1)
    found = np.zeros(len(watched), bool)
    for count in np.unique(watched[watched > 0]):
        years = watched == count
        for test, error in ERRORS.items():
            limit = baseline_limit(
                test, accepted=nights.accepted, cases=int(count), error=error / streams
            )
            over = measured[test][years] > limit
            found[years] |= over.any(-1) if over.ndim > 1 else over
    return found


def _draw(
    piece: YearPiece, stream: WatchedStream, hit: NDArray[np.int64], rng: np.random.Generator
) -> DrawnNights:
    shift = None
    if piece.shifts is not None:
        every = np.broadcast_to(piece.shifts[stream.name], (piece.years, len(stream.rows)))
        shift = (
            np.where(stream.model.cases == hit[:, None], every, 0.0) if piece.one_case else every
        )
    drawn = draw_nights(
        stream.model if piece.family == "fitted" else harsher(stream.model),
        piece.family,
        years=piece.years,
        accepted=piece.rules.accepted,
        later=piece.later,
        rng=rng,
        shift=shift,
    )
    return replace(drawn, nights=replace(drawn.nights, undirected=stream.undirected))


def _draw_cases(piece: YearPiece, rng: np.random.Generator) -> NDArray[np.int64]:
    """(R,) the case that changes, where one alone does: of those that the change moves at all."""
    shifts = piece.shifts or {}
    moved = [one.model.cases[np.asarray(shifts[one.name]) != 0] for one in piece.streams if shifts]
    cases = np.unique(np.concatenate(moved)) if moved else np.zeros(0, int)
    return rng.choice(cases, piece.years) if len(cases) else np.full(piece.years, -1)


def _naive_squares(nights: Nights) -> tuple[FloatArray, FloatArray]:
    """(N, R) sum of squares against the accepted mean, sampling alone supposed; and of how many."""
    known = nights.is_known()
    values = np.where(known, nights.values, 0.0)
    count = np.maximum(known[: nights.accepted].sum(0), 1)
    centre = values[: nights.accepted].sum(0) / count
    later = slice(nights.accepted, None)
    usual = np.where(known, nights.variances, 1.0)[later] * (1.0 + 1.0 / count)
    squares = np.where(known[later], (values[later] - centre) ** 2 / usual, 0.0)
    return squares.sum(-1), known[later].sum(-1).astype(float)


def _is_naive_red(squares: FloatArray, cases: FloatArray) -> BoolArray:
    from scipy.special import chdtrc

    return np.asarray((cases > 0) & (chdtrc(np.maximum(cases, 1.0), squares) < NAIVE_LEVEL))


def _first(over: BoolArray) -> NDArray[np.int64]:
    """(R,) first night that is over, counted from 1; 0 is none."""
    return np.where(over.any(0), over.argmax(0) + 1, 0)


def _place(over: BoolArray) -> NDArray[np.int64]:
    """(R,) place of the first night that is over; N where none is."""
    return np.where(over.any(0), over.argmax(0), len(over))
