"""Other tools' results → observation tables."""

from contractcheck.adapters.tables import TableColumns, read_table

__all__ = ["TableColumns", "read_table"]
