"""From measurements and a baseline to comparisons, findings and a verdict.

Nothing here raises for drift: an exception means that it could not be measured.
"""

from contractcheck.judging.case import CaseJudgement, judge_case
from contractcheck.judging.judge import Evidence, Judgement, judge_run
from contractcheck.judging.table_nights import judge_table_nights
from contractcheck.judging.table_samples import TableSides
from contractcheck.judging.tables import judge_tables
from contractcheck.judging.verdict import exit_code
from contractcheck.judging.wire_changes import find_known_problems

__all__ = [
    "CaseJudgement",
    "Evidence",
    "Judgement",
    "TableSides",
    "exit_code",
    "find_known_problems",
    "judge_case",
    "judge_run",
    "judge_table_nights",
    "judge_tables",
]
