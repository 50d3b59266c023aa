"""Count simulated years, and place the counts in exact intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from contractcheck.model.simulated_year import ChangeDelay, FamilyYears
from contractcheck.stats.intervals import clopper_pearson
from contractcheck.stats.simulated_nights import FAMILIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from contractcheck.judging.simulated_years import PlayedYears
    from contractcheck.judging.year_changes import YearChange
    from contractcheck.stats.simulated_nights import Family

_LATE = 0.8


def count_family(family: Family, played: PlayedYears) -> FamilyYears:
    """Count years in which nothing changed."""
    is_red = played.first_red > 0
    red = int(is_red.sum())
    interval = clopper_pearson(red, len(is_red))
    return FamilyYears(
        family=family,
        words=FAMILIES[family],
        years=len(is_red),
        red=red,
        low=interval.low,
        high=interval.high,
        by_pair=int(played.by_pair.sum()),
        unstable=int(played.is_unstable.sum()),
        red_unwarned=int((is_red & ~played.is_unstable).sum()),
        red_if_judged=int(np.any([*played.judged.values()], axis=0).sum()),
        planes={plane: int(own.sum()) for plane, own in played.judged.items()},
        naive_nights=float(played.naive_nights.mean()),
        naive_red=int((played.naive_nights > 0).sum()),
    )


def measure_delay(change: YearChange, played: PlayedYears) -> ChangeDelay:
    """Say how soon a change was found, unstable baselines among the histories."""
    nights = played.first_red
    return ChangeDelay(
        change=change.words,
        kind=change.kind,
        size=change.size,
        one_case=change.one_case,
        histories=len(nights),
        found=int((nights > 0).sum()),
        median=nights_until(nights, 0.5),
        late=nights_until(nights, _LATE),
        naive_median=nights_until(played.first_naive, 0.5),
    )


def nights_until(first: NDArray[np.int64], share: float) -> int | None:
    """Nights until a share of the histories are found; None when fewer are.

    Args:
        first: (R,) night on which each was, counted from 1; 0 is never.
        share: 0..1.
    """
    if not len(first):
        return None
    waits = np.sort(np.where(first > 0, first, np.iinfo(np.int64).max))
    found = int(waits[max(0, int(np.ceil(share * len(waits))) - 1)])
    return None if found == np.iinfo(np.int64).max else found
