"""A recorded run, counted by case, and single exchanges of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from contractcheck.cassettes import read_header, read_run
from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from contractcheck.model.exchange import Exchange
    from contractcheck.model.run import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseCounts:
    """The exchanges of one case, counted.

    Attributes:
        case: Case id.
        planned: Trials in the plan; 0 when the plan does not name the case.
        trials: Trials with an exchange.
        attempts: Exchanges.
        statuses: HTTP status → how often; 0 is no response.
        endings: How exchanges ended → how often.
        median_s: Median duration of exchanges with a time, s; None without any.
        size_bytes: Bodies of all responses together.
    """

    case: str
    planned: int
    trials: int
    attempts: int
    statuses: Mapping[int, int]
    endings: Mapping[str, int]
    median_s: float | None
    size_bytes: int


def load_run(
    folder: Path, *, case: str | None = None, trial: int | None = None, attempt: int | None = None
) -> Run:
    """Read a run, or the exchanges of one case, trial or attempt of it.

    Raises:
        UsageError: If the run has no such case, trial or attempt.
        RecordingError: If it is damaged.
    """
    if case is None:
        if trial is not None or attempt is not None:
            raise UsageError("a trial is one of a case: give --case too")
        return read_run(folder)
    header = read_header(folder)
    if case not in header.cases:
        raise UsageError(
            f"{folder.name} has no case {case!r}; its cases: {', '.join(header.cases)}"
        )
    run = read_run(folder, cases={case})
    chosen = tuple(
        x for x in run.exchanges if trial in (None, x.trial) and attempt in (None, x.attempt)
    )
    if not chosen and (trial is not None or attempt is not None):
        there = _spans(sorted({x.trial for x in run.exchanges})) or "none"
        raise UsageError(f"{case}: no exchange is the one asked for; recorded trials: {there}")
    return replace(run, exchanges=chosen)


def _spans(numbers: Sequence[int]) -> str:
    """``0-3, 5``: numbers in order, runs of them drawn together."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in spans)


def count_cases(run: Run) -> tuple[CaseCounts, ...]:
    """Count the exchanges of a run by case, in the order of the plan."""
    by_case: dict[str, list[Exchange]] = {case: [] for case in run.header.cases}
    for exchange in run.exchanges:
        by_case.setdefault(exchange.case, []).append(exchange)
    return tuple(_count(run, case, exchanges) for case, exchanges in by_case.items())


def _count(run: Run, case: str, exchanges: Sequence[Exchange]) -> CaseCounts:
    plan = run.header.cases.get(case)
    responses = [x.response for x in exchanges if x.response is not None]
    times_s = [x.end_us / 1e6 for x in exchanges if x.end_us]
    return CaseCounts(
        case=case,
        planned=plan.samples if plan is not None else 0,
        trials=len({x.trial for x in exchanges}),
        attempts=len(exchanges),
        statuses=Counter(x.response.status if x.response else 0 for x in exchanges),
        endings=Counter(x.ended for x in exchanges),
        median_s=median(times_s) if times_s else None,
        size_bytes=sum(len(response.body) for response in responses),
    )


def raw_body(run: Run) -> bytes:
    """The response body of the one exchange of a run: as recorded, in its content coding.

    Raises:
        UsageError: If there are several exchanges, or the one has no response.
    """
    if len(run.exchanges) != 1:
        raise UsageError(
            f"{len(run.exchanges)} exchanges fit; give --case, --trial and --attempt of one"
        )
    response = run.exchanges[0].response
    if response is None:
        raise UsageError(f"no response came ({run.exchanges[0].error}); there is no body")
    return response.body
