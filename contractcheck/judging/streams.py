"""The few numbers that a night is judged by: one score per stream, up is worse.

Streams: one per output metric over all cases, the single most unusual case, time to first
token, time per output token, and conformance. Each gets an equal share of the alarm budget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.judging.night_table import (
    label_counts,
    numbers,
    presence_counts,
    rates,
    texts,
)
from contractcheck.model.night import LabelCell, NumberCell
from contractcheck.stats.night_rule import predictive_t
from contractcheck.stats.night_scores import (
    CONFORMANCE_FLOOR_SD,
    LATENCY_FLOOR_SD,
    conformance_score,
    latency_score,
    output_streams,
)
from contractcheck.stats.nights import (
    label_contrasts,
    number_contrasts,
    pool_effective_dimensions,
    text_contrasts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from contractcheck.judging.night_table import NightTable, Series
    from contractcheck.model.judgement import Plane
    from contractcheck.stats.night_contrasts import Contrast
    from contractcheck.stats.night_scores import NightStream

JUDGED_LATENCY = ("ttft_s", "time_per_token_s")
"""Total time is their sum weighted by the answer's length: judging it would count a longer
answer as a slower provider."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamScores:
    """One stream over all nights.

    Attributes:
        name: As reports call it.
        plane: Where an alarm is reported.
        scores: (N,) one score per night; latency scores are log ratios.
        floor_sd: Least standard deviation between nights.
        floor_mean: Least baseline mean, or None.
        accepted: K.
    """

    name: str
    plane: Plane
    scores: NDArray[np.float64]
    floor_sd: float
    floor_mean: float | None
    accepted: int

    @property
    def baseline(self) -> NDArray[np.float64]:
        """Scores of the accepted nights."""
        return self.scores[: self.accepted]

    def statistics(self) -> NDArray[np.float64]:
        """Predictive t of the later nights."""
        return predictive_t(
            self.baseline,
            self.scores[self.accepted :],
            self.floor_sd,
            floor_mean=self.floor_mean,
        )


def score_streams(table: NightTable) -> tuple[StreamScores, ...]:
    """Score every stream that the nights have data for."""
    streams = [
        StreamScores(
            name=name,
            plane="outputs",
            scores=one.scores,
            floor_sd=one.floor_sd,
            floor_mean=one.floor_mean,
            accepted=table.accepted,
        )
        for name, one in _score_outputs(table).items()
    ]
    streams.extend(_latency_streams(table))
    streams.extend(_conformance_stream(table))
    return tuple(streams)


def _score_outputs(table: NightTable) -> dict[str, NightStream]:
    contrasts = output_contrasts(table)
    return output_streams(contrasts) if contrasts else {}


def output_contrasts(
    table: NightTable,
    *,
    replaced: float = 0.0,
    only_case: str | None = None,
    known: dict[tuple[int, float], list[Contrast]] | None = None,
) -> dict[str, list[Contrast]]:
    """Contrast every output series, by metric; ``replaced`` asks what a change would have done.

    A metric that some night has no value of at all has no stream: its nights do not compare.

    Args:
        table: The nights.
        replaced: Share of answers that become something never seen, 0..1.
        only_case: Strike this case alone; None strikes all.
        known: Contrasts computed so far, for many questions about one table; extended here.
    """
    by_metric: dict[str, list[Contrast]] = {}
    known = {} if known is None else known
    for place, series in enumerate(table.outputs):
        struck = replaced if only_case in (None, series.case) else 0.0
        if (place, struck) not in known:
            found = series_contrasts(series, accepted=table.accepted, replaced=struck)
            known[place, struck] = found
        by_metric.setdefault(series.metric, []).extend(known[place, struck])
    return {metric: found for metric, found in by_metric.items() if _covers_all_nights(found)}


def _covers_all_nights(contrasts: Sequence[Contrast]) -> bool:
    import numpy as np

    return bool(contrasts) and bool(np.all(np.sum([c.dof for c in contrasts], axis=0) > 0))


def series_contrasts(series: Series, *, accepted: int, replaced: float = 0.0) -> list[Contrast]:
    """Contrast one case and metric over the nights."""
    cell = series.cells[-1]
    if isinstance(cell, LabelCell):
        counts = label_counts(series)[1]
        return [label_contrasts(counts, accepted=accepted, replaced=replaced)]
    if isinstance(cell, NumberCell):
        return _number_contrasts(series, accepted, replaced)
    return _text_contrasts(series, accepted, replaced)


def _number_contrasts(series: Series, accepted: int, replaced: float) -> list[Contrast]:
    contrasts = []
    values = numbers(series)
    if any(values[:accepted]):
        contrasts.append(number_contrasts(values, accepted=accepted, replaced=replaced))
    presence = presence_counts(series)
    # Whether there is a number at all says something only where it ever varied.
    if any(missing for _, missing in presence):
        contrasts.append(label_contrasts(presence, accepted=accepted, replaced=replaced))
    return contrasts


def _text_contrasts(series: Series, accepted: int, replaced: float) -> list[Contrast]:
    cells = texts(series)
    known = [cell for cell in cells if cell is not None]
    baseline = [cell.effective_dimension for cell in cells[:accepted] if cell is not None]
    if not baseline:
        return []
    width = len(known[0].mean)
    empty = (0.0,) * width
    return [
        text_contrasts(
            [empty if cell is None else cell.mean for cell in cells],
            [0 if cell is None else cell.count for cell in cells],
            effective_dimension=pool_effective_dimensions(baseline),
            accepted=accepted,
            replaced=replaced,
        )
    ]


def _latency_streams(table: NightTable) -> list[StreamScores]:
    import numpy as np

    streams = []
    for metric in JUDGED_LATENCY:
        rows = [_log_medians(one) for one in table.latency if one.metric == metric]
        medians = np.array(rows).reshape(len(rows), len(table.nights)).T
        nights = _nights_to_score(np.isfinite(medians), table.accepted)
        if nights:
            streams.append(
                StreamScores(
                    name=metric,
                    plane="latency",
                    scores=latency_score(medians[nights], accepted=table.accepted),
                    floor_sd=LATENCY_FLOOR_SD,
                    floor_mean=None,
                    accepted=table.accepted,
                )
            )
    return streams


def _log_medians(series: Series) -> list[float]:
    return [_log_median(values) for values in numbers(series)]


def _log_median(values: Sequence[float]) -> float:
    import statistics

    middle = statistics.median(values) if values else 0.0
    return math.log(middle) if middle > 0 else math.nan


def _conformance_stream(table: NightTable) -> list[StreamScores]:
    import numpy as np

    columns = [rates(series) for series in table.conformance]
    shape = (len(columns), len(table.nights))
    passed = np.array([[c.passed for c in column] for column in columns]).reshape(shape).T
    answers = np.array([[c.count for c in column] for column in columns]).reshape(shape).T
    nights = _nights_to_score(answers > 0, table.accepted)
    if not nights:
        return []
    return [
        StreamScores(
            name="conformance",
            plane="conformance",
            scores=conformance_score(passed[nights], answers[nights], accepted=table.accepted),
            floor_sd=CONFORMANCE_FLOOR_SD,
            floor_mean=None,
            accepted=table.accepted,
        )
    ]


def _nights_to_score(has_values: NDArray[np.bool_], accepted: int) -> list[int]:
    """Nights to score, given (N, C) which case has values; none if any night has to be missed.

    Only the night before may be: then tonight is judged alone.
    """
    nights = [night for night, cases in enumerate(has_values) if cases.any()]
    wanted = {*range(accepted), len(has_values) - 1}
    return nights if wanted <= set(nights) else []
