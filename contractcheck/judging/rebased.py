"""Accepted nights of several eras: the last one places the location, all of them tell the scale.

After an accepted change there may be one night that shows where the provider stands now. How much
nights differ from each other, it cannot show; the nights before the change can, each held against
the others of its own era.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contractcheck.judging.night_scales import TextScale
from contractcheck.judging.night_values import accepted_values, reference_of, values_of
from contractcheck.stats.monitor_nights import LEAST_CHARTED
from contractcheck.stats.night_rule import FEWEST_NIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.judging.night_values import Reference
    from contractcheck.model.history import NightValue, NightValues
    from contractcheck.model.night import NightStatistics

    Row = tuple[str, str]

_FEWEST_IN_ERA = 2
"""A single night has no deviation from the others of its era."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """What later nights are held against.

    Attributes:
        reference: Scales for tonight, of the last era.
        accepted: Values of accepted nights, oldest first. Those before the last ``placed`` are
            moved as a whole to where the last ones are; what they tell is how much nights vary.
        placed: How many of the last of ``accepted`` place the location; None when all do.
    """

    reference: Reference
    accepted: tuple[NightValues, ...]
    placed: int | None = None


def place(
    eras: Sequence[Sequence[NightStatistics]],
    fingerprints: Mapping[str, str],
    *,
    nights_wanted: int = 10,
) -> Placed | None:
    """Make the scales of the last era and the values of all accepted nights.

    Earlier eras count until the last has the nights that a baseline and its charts want by itself.

    Args:
        eras: Complete accepted nights between re-bases, oldest era first.
        fingerprints: Request fingerprint per case id, as sent tonight.
        nights_wanted: Nights of a complete baseline.

    Returns:
        None when the last era has no night: nothing then says where the provider stands.
    """
    if not eras or not eras[-1]:
        return None
    present = reference_of(eras[-1], fingerprints, nights_wanted=nights_wanted)
    old = [era for era in eras[:-1] if len(era) >= _FEWEST_IN_ERA]
    if not old or len(eras[-1]) >= max(nights_wanted, LEAST_CHARTED):
        return Placed(reference=present, accepted=accepted_values(present))
    references = [reference_of(era, fingerprints, nights_wanted=nights_wanted) for era in old]
    reference = _borrow_texts(present, references[-1])
    own = _own_values(reference, present)
    where = _means(own)
    earlier = [night for one in references for night in _moved(one, where, len(old))]
    return Placed(reference=reference, accepted=(*earlier, *own), placed=len(eras[-1]))


def _borrow_texts(present: Reference, before: Reference) -> Reference:
    """Measure texts along the directions of the era before, while the present one has few nights.

    One night has no direction of its own, and a few a poor one. Any fixed direction will do: where
    the present nights lie on it is their own location all the same.
    """
    if len(present.nights) >= FEWEST_NIGHTS:
        return present
    borrowed = {
        key: scale
        for key, scale in before.scales.items()
        if isinstance(scale, TextScale) and key[0] not in present.learning
    }
    if not borrowed:
        return present
    digest = hashlib.sha256(f"{present.digest} {before.digest}".encode()).hexdigest()
    return replace(present, scales={**present.scales, **borrowed}, digest=digest)


def _own_values(reference: Reference, present: Reference) -> tuple[NightValues, ...]:
    """Values of the nights of the last era; along borrowed directions as of any other night."""
    if reference is present:
        return accepted_values(present)
    own = {key: scale for key, scale in present.scales.items() if reference.scales[key] is scale}
    borrowed = {key: scale for key, scale in reference.scales.items() if key not in own}
    ordinary = accepted_values(replace(present, scales=own))
    along = replace(present, scales=borrowed)
    return tuple(
        _merge(night, values_of(along, statistics))
        for night, statistics in zip(ordinary, present.nights, strict=True)
    )


def _merge(one: NightValues, other: NightValues) -> NightValues:
    streams = {name: dict(rows) for name, rows in one.streams.items()}
    for name, rows in other.streams.items():
        streams.setdefault(name, {}).update(rows)
    return replace(one, streams=streams)


def _moved(reference: Reference, where: Mapping[Row, float], eras: int) -> list[NightValues]:
    """Nights of an era, moved from its own mean to another one.

    Several eras are charted as if they had one mean: then k nights, each held against the mean of
    its own era, are too near to it by (k - 1)/k, which is made up for but for the one degree that
    one common mean would cost.
    """
    nights = accepted_values(reference)
    means = _means(nights)
    counts = Counter(key for night in nights for key in _rows(night))

    def move(key: Row, one: NightValue) -> NightValue:
        stretch = 1.0 if eras == 1 else math.sqrt(counts[key] / max(counts[key] - 1.0, 1.0))
        return replace(one, value=where.get(key, 0.0) + (one.value - means[key]) * stretch)

    return [
        replace(
            night,
            streams={
                stream: {row: move((stream, row), one) for row, one in found.items()}
                for stream, found in night.streams.items()
            },
        )
        for night in nights
    ]


def _means(nights: Sequence[NightValues]) -> dict[Row, float]:
    rows: dict[Row, list[float]] = {}
    for night in nights:
        for key, value in _rows(night).items():
            rows.setdefault(key, []).append(value)
    return {key: math.fsum(values) / len(values) for key, values in rows.items()}


def _rows(night: NightValues) -> dict[Row, float]:
    return {
        (stream, row): one.value
        for stream, found in night.streams.items()
        for row, one in found.items()
    }
