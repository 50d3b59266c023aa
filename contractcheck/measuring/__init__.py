"""From runs to measurements: the observation table, and a night's sufficient statistics."""

from contractcheck.measuring.observe import COLUMNS, observe

__all__ = ["COLUMNS", "observe"]
