"""What an answer looks like on the wire: as published, as learnt, and in which order.

One walk over an exchange notes facts; held against the published shape they are problems, counted
over a night they are the learnt shape (docs/explanation/wire-contracts.md).
"""

from contractcheck.wire_contracts.compare import compare_shapes
from contractcheck.wire_contracts.examine import Examination, examine, merge_problems, normal_path
from contractcheck.wire_contracts.formats import FORMATS, WireFormat, wire_format
from contractcheck.wire_contracts.learnt import learn_shape
from contractcheck.wire_contracts.lived_with import lived_with, problem_facts, problem_place

__all__ = [
    "FORMATS",
    "Examination",
    "WireFormat",
    "compare_shapes",
    "examine",
    "learn_shape",
    "lived_with",
    "merge_problems",
    "normal_path",
    "problem_facts",
    "problem_place",
    "wire_format",
]
