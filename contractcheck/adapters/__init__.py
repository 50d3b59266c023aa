"""Other tools' results → observation tables."""

from contractcheck.adapters.detect import holds_json_objects, mark_as_json
from contractcheck.adapters.tables import TableColumns, TableKind, read_table

__all__ = ["TableColumns", "TableKind", "holds_json_objects", "mark_as_json", "read_table"]
