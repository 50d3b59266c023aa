"""A run, measured: what judging looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from contractcheck.model.completion import Answer, Outcome
    from contractcheck.model.night import NightStatistics
    from contractcheck.model.run import RunHeader


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialAnswer:
    """What a trial's deciding attempt came to."""

    case: str
    trial: int
    answer: Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredRun:
    """A run, measured.

    Attributes:
        header: The run's header.
        answers: One per trial with an exchange, sorted by case and trial.
        table: The observation table (``measuring.COLUMNS``): only trials with outcome
            ``ANSWERED`` have rows.
        statistics: The same, reduced to what later nights are compared with.
        earlier: What attempts came to that were made before the deciding one, sorted likewise.
            They are no answers, but what came over the wire is evidence whoever asked again.
    """

    header: RunHeader
    answers: tuple[TrialAnswer, ...]
    table: pd.DataFrame
    statistics: NightStatistics
    earlier: tuple[TrialAnswer, ...] = ()

    def count(self, *outcomes: Outcome) -> int:
        """Number of trials with one of these outcomes."""
        return sum(one.answer.completion.outcome in outcomes for one in self.answers)
