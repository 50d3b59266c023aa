"""From runs to measurements: the observation table, and a night's sufficient statistics."""

from contractcheck.measuring.observe import COLUMNS, measure_answers, observe
from contractcheck.measuring.reduce import reduce_table

__all__ = ["COLUMNS", "measure_answers", "observe", "reduce_table"]
