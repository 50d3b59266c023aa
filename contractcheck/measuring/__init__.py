"""From runs to measurements: the observation table, and a night's sufficient statistics."""

from contractcheck.measuring.observe import (
    COLUMNS,
    deciding_exchanges,
    measure_answers,
    observe,
    read_trials,
    tabulate,
)
from contractcheck.measuring.reduce import reduce_table

__all__ = [
    "COLUMNS",
    "deciding_exchanges",
    "measure_answers",
    "observe",
    "read_trials",
    "reduce_table",
    "tabulate",
]
