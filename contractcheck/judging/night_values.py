"""From a night's statistics to the signed numbers that charts add up, against accepted nights.

A *stream* is one output metric over all cases, ``conformance``, ``presence``, or a judged latency.
Its rows are named ``case`` or ``case#coordinate``: see :mod:`contractcheck.judging.night_scales`;
of conformance each check is a row, ``case#check``, and of presence each metric whose number the
accepted nights never lacked, ``case#metric``. Everything here is a pure function of the accepted
nights and the night itself, so a history that was lost is computed again to the same numbers.
"""

from __future__ import annotations

import hashlib
import statistics
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contractcheck.judging.night_scales import (
    ALWAYS,
    PRESENT,
    TextScale,
    axes_of,
    scale_of,
    text_lines,
    text_scale,
)
from contractcheck.judging.streams import JUDGED_LATENCY
from contractcheck.metrics import LATENCY
from contractcheck.model.history import NightValue, NightValues
from contractcheck.model.night import RateCell, TextCell
from contractcheck.stats.night_coordinates import shrink_variances

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contractcheck.judging.night_scales import Scale
    from contractcheck.model.judgement import Plane
    from contractcheck.model.night import Cell, NightStatistics
    from contractcheck.stats.night_directions import TextAxes

    Place = tuple[str, str]

CONFORMANCE = "conformance"
PRESENCE = "presence"
"""Of numbers that accepted nights never lacked. No metric is called so, whatever its argument."""
_FEWEST_FOR_VARIANCE = 5
COORDINATES_VERSION = 4
"""Raised when the same nights come to other numbers: kept values of older versions do not count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """Accepted nights as scales for other nights.

    Attributes:
        nights: The accepted nights, oldest first.
        fingerprints: Request fingerprint per case id: nights with another one do not compare.
        scales: Per case and metric or check label.
        learning: Cases without enough comparable nights, with how many they have.
        digest: Changes whenever a later night's values may: the key under which to keep them.
    """

    nights: tuple[NightStatistics, ...]
    fingerprints: Mapping[str, str]
    scales: Mapping[Place, Scale]
    learning: Mapping[str, int]
    digest: str


def reference_of(
    accepted: Sequence[NightStatistics],
    fingerprints: Mapping[str, str],
    *,
    nights_wanted: int = 10,
) -> Reference:
    """Make the scales of all cases and metrics.

    Args:
        accepted: Complete accepted nights of one era, oldest first, at least one.
        fingerprints: Request fingerprint per case id, as sent tonight.
        nights_wanted: Comparable nights after which a case leaves ``learning`` although the
            baseline has more.
    """
    enough = min(nights_wanted, len(accepted))
    cells: dict[Place, list[Cell]] = {}
    learning = {}
    for case, fingerprint in fingerprints.items():
        own = [_comparable(night, case, fingerprint) for night in accepted]
        comparable = sum(cells is not None for cells in own)
        if comparable < enough:
            learning[case] = comparable
            continue
        for name in sorted({name for one in own for name in one or ()}):
            found = [one[name] for one in own if one is not None and name in one]
            # A metric that changed its kind starts anew.
            cells[case, name] = [cell for cell in found if type(cell) is type(found[-1])]
    return Reference(
        nights=tuple(accepted),
        fingerprints=dict(fingerprints),
        scales=_make_scales(cells),
        learning=learning,
        digest=_digest(accepted, fingerprints, enough),
    )


def values_of(reference: Reference, night: NightStatistics) -> NightValues:
    """Values of a night that is not accepted."""
    streams: dict[str, dict[str, NightValue]] = defaultdict(dict)
    for (case, name), scale in reference.scales.items():
        cells = _comparable(night, case, reference.fingerprints[case])
        if cells is not None:
            _put(streams, case, name, cells.get(name), scale.measure(cells.get(name)))
    return NightValues(night=night.night, run_id=night.run_id, streams=dict(streams))


def accepted_values(reference: Reference) -> tuple[NightValues, ...]:
    """Values of the accepted nights themselves, oldest first; texts leave their own night out."""
    seen: dict[Place, int] = defaultdict(int)
    nights = []
    for night in reference.nights:
        streams: dict[str, dict[str, NightValue]] = defaultdict(dict)
        for (case, name), scale in reference.scales.items():
            cells = _comparable(night, case, reference.fingerprints[case])
            cell = None if cells is None else cells.get(name)
            if not isinstance(scale, TextScale):
                _put(streams, case, name, cell, scale.measure(cell))
            elif isinstance(cell, TextCell):
                own = scale.accepted(seen[case, name], cell.count)
                seen[case, name] += 1
                _put(streams, case, name, cell, own)
        nights.append(NightValues(night=night.night, run_id=night.run_id, streams=dict(streams)))
    return tuple(nights)


def plane_of(stream: str) -> Plane:
    """Where an alarm of a stream is reported."""
    if stream in {CONFORMANCE, PRESENCE}:
        return "conformance"
    return "latency" if stream in LATENCY else "outputs"


def case_of(row: str) -> str:
    """The case that a row of a stream is about."""
    return row.partition("#")[0]


def is_directed(row: str) -> bool:
    """Whether a row's sign means the same in every case (of conformance every row's does)."""
    return "#" not in row


def sometimes_lacking(nights: Sequence[NightValues]) -> frozenset[str]:
    """Metrics whose number some accepted night lacked in some case."""
    return frozenset(
        stream
        for night in nights
        for stream, rows in night.streams.items()
        if any(row.partition("#")[2] == PRESENT for row in rows)
        and stream not in {CONFORMANCE, PRESENCE}
    )


def _put(
    streams: dict[str, dict[str, NightValue]],
    case: str,
    name: str,
    cell: Cell | None,
    found: Mapping[str, NightValue],
) -> None:
    is_check = isinstance(cell, RateCell)
    for coordinate, value in found.items():
        is_named = is_check or coordinate == ALWAYS
        suffix = name if is_named else coordinate
        row = f"{case}#{suffix}" if suffix else case
        stream = CONFORMANCE if is_check else PRESENCE if coordinate == ALWAYS else name
        streams[stream][row] = value


def _comparable(night: NightStatistics, case: str, fingerprint: str) -> Mapping[str, Cell] | None:
    """Cells of a case whose request was the one that we send now, but for latencies not judged."""
    own = night.cases.get(case)
    if own is None or own.request_fingerprint != fingerprint:
        return None
    unjudged = set(LATENCY) - set(JUDGED_LATENCY)
    return {name: cell for name, cell in own.cells.items() if name not in unjudged}


def _make_scales(cells: Mapping[Place, Sequence[Cell]]) -> dict[Place, Scale]:
    texts: dict[str, dict[Place, TextAxes]] = defaultdict(dict)
    scales: dict[Place, Scale] = {}
    for place, own in cells.items():
        wordings = [cell for cell in own if isinstance(cell, TextCell)]
        if wordings:
            axes = axes_of(wordings)
            if axes is not None:
                texts[place[1]][place] = axes
        elif scale := scale_of(own, is_latency=place[1] in LATENCY):
            scales[place] = scale
    for stream in texts.values():
        scales.update(_text_scales(stream, cells))
    return scales


def _text_scales(
    axes: Mapping[Place, TextAxes], cells: Mapping[Place, Sequence[Cell]]
) -> dict[Place, TextScale]:
    """Scales of one stream of texts, whose cases lend each other strength about their variance."""
    variances: dict[Place, tuple[float, ...]] = dict.fromkeys(axes, ())
    for coordinate in (0, 1):
        have = [place for place, one in axes.items() if len(text_lines(one)) > coordinate]
        lines = [text_lines(axes[place])[coordinate] for place in have]
        if lines:
            shrunk = shrink_variances(
                [line.own for line in lines],
                [line.supposed for line in lines],
                dof=len(lines[0].accepted) - 1,
            )
            for place, variance in zip(have, shrunk, strict=True):
                variances[place] = (*variances[place], variance)
    scales = {
        place: text_scale(
            [cell for cell in cells[place] if isinstance(cell, TextCell)], one, variances[place]
        )
        for place, one in axes.items()
    }
    return _with_apart_variances(scales)


def _with_apart_variances(scales: Mapping[Place, TextScale]) -> dict[Place, TextScale]:
    """Learn from all cases of a stream how much the distances of nights vary, at least as drawn."""
    nights = max(len(one.apart) for one in scales.values())
    if nights < _FEWEST_FOR_VARIANCE:
        return dict(scales)
    shrunk = shrink_variances(
        [statistics.variance(one.apart) if len(one.apart) > 1 else 1.0 for one in scales.values()],
        [1.0] * len(scales),
        dof=nights - 1,
    )
    return {
        place: replace(one, apart_variance=max(1.0, variance))
        for (place, one), variance in zip(scales.items(), shrunk, strict=True)
    }


def _digest(
    accepted: Sequence[NightStatistics], fingerprints: Mapping[str, str], enough: int
) -> str:
    """Runs are immutable, so which runs, and which of their cells, says which numbers."""
    digest = hashlib.sha256(f"{COORDINATES_VERSION} {enough}\n".encode())
    for night in accepted:
        digest.update(f"{night.night} {night.run_id}\n".encode())
        for case in sorted(night.cases):
            own = night.cases[case]
            labels = "\t".join(sorted(own.cells))
            digest.update(f"{case}\t{own.request_fingerprint}\t{labels}\n".encode())
    for case, fingerprint in sorted(fingerprints.items()):
        digest.update(f"{case} {fingerprint}\n".encode())
    return digest.hexdigest()
