"""A run, measured: what judging looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.model.completion import Outcome

if TYPE_CHECKING:
    import pandas as pd

    from contractcheck.model.completion import Answer
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

    def first_attempts(self) -> tuple[TrialAnswer, ...]:
        """What a client that repeats nothing would have met: one per trial, sorted likewise.

        A credential that was renewed on the way is not the provider's failure: such an attempt
        does not count.
        """
        told: dict[tuple[str, int], TrialAnswer] = {}
        for one in (*self.earlier, *self.answers):
            key = one.case, one.trial
            if key not in told or told[key].answer.completion.outcome is Outcome.CONFIG:
                told[key] = one
        return tuple(told[key] for key in sorted(told))

    def count(self, *outcomes: Outcome) -> int:
        """Number of trials with one of these outcomes."""
        return sum(one.answer.completion.outcome in outcomes for one in self.answers)
