"""Between which two nights a change began, in dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.stats.dating import date_change, first_eligible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contractcheck.judging.night_watch import Watched


@dataclass(frozen=True, kw_only=True, slots=True)
class Dated:
    """When a change began: ISO dates of nights that were measured.

    Attributes:
        since: The first changed night, most likely.
        before: The night before it: measured, and still as accepted.
        earliest: The first night that it may have been (95 %, with ``latest``).
        latest: The last night that it may have been.
        until_earliest: The night before ``earliest``: the change came after it.
        place: Of ``since`` among the later nights, from 0.
    """

    since: str
    before: str
    earliest: str
    latest: str
    until_earliest: str
    place: int


def date_alarm(red: Sequence[Watched], *, last_accepted: str) -> Dated:
    """Date the change that red streams of one plane tell of.

    The night on which they turned red is as far as is looked, so a date that was told stays; and
    it lies after whatever episode ended before.

    Args:
        red: Streams that are red tonight, over the same later nights, at least one.
        last_accepted: ISO date of the last accepted night.
    """
    import numpy as np

    until = min(one.red_since for one in red)
    moves = np.concatenate([one.deviations() for one in red], axis=1)
    nights = red[0].nights
    first = first_eligible(np.any([one.over for one in red], axis=0), until=until)
    dating = date_change(moves[first:], until=until - first, accepted=nights.located)
    # The night before the first eligible one is its neighbour, and before all is an accepted one.
    later = (last_accepted, *red[0].later)[first:]
    return Dated(
        since=later[dating.began + 1],
        before=later[dating.began],
        earliest=later[dating.low + 1],
        latest=later[dating.high + 1],
        until_earliest=later[dating.low],
        place=first + dating.began,
    )
