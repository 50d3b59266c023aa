"""What a look sees: both sides measured over the same finished blocks, in one table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contractcheck.judging.gate_blocks import ERRORS
from contractcheck.measuring import COLUMNS, observe
from contractcheck.model.completion import Outcome

if TYPE_CHECKING:
    import pandas as pd

    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.run import Run
    from contractcheck.model.suite import Suite


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredSide:
    """A side, measured.

    Attributes:
        run: What its answers came to.
        first_at: Start of its first request (UTC, RFC 3339); None without one.
        last_at: Start of its last request.
    """

    run: MeasuredRun
    first_at: str | None
    last_at: str | None


def measure_blocks(run: Run, suite: Suite, blocks: int) -> MeasuredSide:
    """Measure the leading blocks of a run, as if no others had been asked.

    Args:
        run: A side of a gate; its trials are blocks.
        suite: By what it is measured.
        blocks: How many, from the beginning.
    """
    plan = {case: replace(planned, samples=blocks) for case, planned in run.header.cases.items()}
    exchanges = tuple(exchange for exchange in run.exchanges if exchange.trial < blocks)
    part = replace(run, header=replace(run.header, cases=plan), exchanges=exchanges)
    times = [exchange.started_at for exchange in exchanges]
    return MeasuredSide(
        run=observe(part, suite),
        first_at=min(times, default=None),
        last_at=max(times, default=None),
    )


def _first_failures(run: MeasuredRun) -> pd.DataFrame:
    """Rows that say of each trial whether its first attempt failed (1) or not (0).

    Without retries the margin on failed requests sees that by itself: there are no answers.
    """
    import pandas as pd

    header = run.header
    rows = [
        (header.id, header.night, one.case, one.trial, ERRORS, "number", "limits", failed, None)
        for one in run.first_attempts()
        for failed in (0.0 if one.answer.completion.outcome is Outcome.ANSWERED else 1.0,)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def join_sides(old: MeasuredSide, new: MeasuredSide) -> pd.DataFrame:
    """One observation table of two sides, with a column ``side``: ``from`` or ``to``."""
    import pandas as pd

    tables = [old.run.table.assign(side="from"), new.run.table.assign(side="to")]
    if old.run.earlier or new.run.earlier:
        tables += [_first_failures(old.run).assign(side="from")]
        tables += [_first_failures(new.run).assign(side="to")]
    return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)
