"""What an answer looks like on the wire: as published, as learnt, and in which order.

One walk over an exchange notes facts; held against the published shape they are problems, counted
over a night they are the learnt shape (docs/explanation/wire-contracts.md).
"""

from contractcheck.wire_contracts.compare import compare_shapes
from contractcheck.wire_contracts.examine import Examination, examine, merge_problems, normal_path
from contractcheck.wire_contracts.formats import FORMATS, WireFormat, wire_format
from contractcheck.wire_contracts.learnt import learn_shape
from contractcheck.wire_contracts.published import gist, known_news

__all__ = [
    "FORMATS",
    "Examination",
    "WireFormat",
    "compare_shapes",
    "examine",
    "gist",
    "known_news",
    "learn_shape",
    "merge_problems",
    "normal_path",
    "wire_format",
]
