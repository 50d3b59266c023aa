"""Quiet fortnights: how often does an unchanged provider turn red?

Each history is its own provider with its own nights: ten accepted nights, then fourteen on which
nothing changes. Every night is recorded, measured and judged by the product's code.
"""

from __future__ import annotations

import multiprocessing
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np

from contractcheck.judging import night_rule, run_drift
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.stats.samples import CaseSample, Stream
from contractcheck.stats.two_sample import compare_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulated_nights import History

    from contractcheck.model.measurement import MeasuredRun

FORTNIGHT = 14
_PLAIN_LEVEL = 0.05
_PLAIN_PERMUTATIONS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Fortnight:
    """What became of one history.

    Attributes:
        seed: Of the history.
        refused: Nights that could not be accepted because the contract was broken.
        verdicts: One per later night.
        red: Headline of every red night.
        suspect: Later nights on which something looked changed.
        streams: Streams that were judged.
        threshold: Of each of them, on both nights.
        plain_cry: First later night (from 1) on which a plain test cried; None if it never did
            or was not asked.
    """

    seed: int
    refused: int
    verdicts: tuple[Verdict, ...]
    red: tuple[str, ...]
    suspect: int
    streams: int
    threshold: float
    plain_cry: int | None


@contextmanager
def verdicts_only() -> Iterator[None]:
    """Leave out what a judgement adds for its reader, and what takes nine tenths of its time.

    Effects per case decide nothing, and the smallest visible share only whether a baseline is
    blind (here: never); tests/calibration compares verdicts with and without.
    """
    with (
        patch.object(night_rule, "_smallest_shares", lambda *_, **__: (1.0, 1.0)),
        patch.object(run_drift, "compare_cases", lambda *_, **__: ()),
    ):
        yield


def play(history: History, *, with_plain_test: bool = False) -> Fortnight:
    """Play one quiet fortnight."""
    baseline, runs, refused = history.accept()
    verdicts, red, later = [], [], []
    suspect, streams, threshold = 0, 0, 0.0
    for run, judgement in history.judge(baseline, nights=FORTNIGHT, first=len(runs) + refused):
        verdicts.append(judgement.verdict)
        if judgement.verdict is Verdict.FAIL:
            red.append(judgement.headline)
        suspect += any(finding.kind is FindingKind.SUSPECT for finding in judgement.findings)
        thresholds = [c.threshold for c in judgement.comparisons if c.threshold is not None]
        streams, threshold = len(thresholds), max(thresholds)
        later.append(run)
    return Fortnight(
        seed=history.seed,
        refused=refused,
        verdicts=tuple(verdicts),
        red=tuple(red),
        suspect=suspect,
        streams=streams,
        threshold=threshold,
        plain_cry=_first_cry(runs, later) if with_plain_test else None,
    )


def play_all(histories: Sequence[History], *, plain: int, processes: int = 2) -> list[Fortnight]:
    """Play many fortnights, the first ``plain`` of them with the plain test too."""
    jobs = [(history, place < plain) for place, history in enumerate(histories)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return pool.map(_play_job, jobs, chunksize=5)


def _play_job(job: tuple[History, bool]) -> Fortnight:
    with verdicts_only():
        return play(job[0], with_plain_test=job[1])


def _first_cry(accepted: Sequence[MeasuredRun], later: Sequence[MeasuredRun]) -> int | None:
    """First night on which an exact two-sample test against all accepted answers has p <= .05."""
    old = [_values(run) for run in accepted]
    rng = np.random.default_rng(0)
    for place, run in enumerate(later, start=1):
        new = _values(run)
        cases = [
            CaseSample(
                case=case,
                baseline={m: [v for night in old for v in night[case][m]] for m in metrics},
                candidate=metrics,
            )
            for case, metrics in new.items()
        ]
        result = compare_samples(
            cases,
            _streams(run),
            rng=rng,
            permutations=_PLAIN_PERMUTATIONS,
            alpha=_PLAIN_LEVEL,
        )
        if result.changed:
            return place
    return None


def _streams(run: MeasuredRun) -> list[Stream]:
    outputs = run.table[run.table["plane"] == "outputs"].drop_duplicates("metric")
    return [
        Stream(metric=metric, kind=kind)
        for metric, kind in zip(outputs["metric"], outputs["kind"], strict=True)
    ]


def _values(run: MeasuredRun) -> dict[str, dict[str, list[str | float | None]]]:
    """Per case and output metric the values in order of trials."""
    outputs = run.table[run.table["plane"] == "outputs"]
    values: dict[str, dict[str, list[str | float | None]]] = {}
    columns = (outputs[name] for name in ("case", "metric", "kind", "number", "string"))
    for case, metric, kind, number, string in zip(*columns, strict=True):
        value = (None if np.isnan(number) else number) if kind == "number" else string
        values.setdefault(case, {}).setdefault(metric, []).append(value)
    return values
