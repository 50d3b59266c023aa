"""What one answer must satisfy: plain functions of a completion, one per check.

To add a check, write one decorated function and a line in ``CHECKS``; its docstring is what
users read.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from contractcheck.checks.conforms import conforms
from contractcheck.checks.endings import ending, no_refusal, not_empty, not_truncated
from contractcheck.checks.registry import Check, CheckOutcome, read_texts
from contractcheck.checks.text import contains, finish_reason, matches, no_padding, script
from contractcheck.checks.tools import (
    known_tools,
    tool_call_count,
    tool_call_ids,
    tool_called,
    tool_choice,
    valid_arguments,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.completion import Completion
    from contractcheck.model.suite import Case, CheckSpec

__all__ = ["CHECKS", "Check", "CheckOutcome", "run_check"]

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        check.name: check
        for check in (
            conforms,
            contains,
            ending,
            finish_reason,
            known_tools,
            matches,
            no_padding,
            no_refusal,
            not_empty,
            not_truncated,
            script,
            tool_call_count,
            tool_call_ids,
            tool_called,
            tool_choice,
            valid_arguments,
        )
    }
)
"""Every check, by the name that suites use."""


def run_check(spec: CheckSpec, answer: Completion, case: Case) -> CheckOutcome:
    """Judge one answer (outcome ``ANSWERED``) of a case by one of its checks.

    Args:
        spec: A check of a loaded suite: its name and argument are known to be right.
        answer: The completion.
        case: The case it answers.
    """
    check = CHECKS[spec.name]
    return check.apply(answer, read_texts(spec.argument, check.form) or (), case)
