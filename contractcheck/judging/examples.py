"""Before/after pairs: one look often says more than the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import Example
from contractcheck.stats.features import hash_text

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.measurement import MeasuredRun

RULE = "the most typical answer of each side: nearest to the mean of its n-gram vectors"


def pick_example(before: MeasuredRun | None, after: MeasuredRun, case: str) -> Example | None:
    """Show the most typical answer of the reference night beside tonight's.

    Args:
        before: The reference night, or None when its exchanges are not at hand.
        after: Tonight.
        case: Case id.
    """
    old = _typical(before, case) if before is not None else None
    new = _typical(after, case)
    if old is None or new is None:
        return None
    return Example(case=case, before=old, after=new, rule=RULE)


def _typical(measured: MeasuredRun, case: str) -> str | None:
    shown = [
        _show(one.answer.completion)
        for one in measured.answers
        if one.case == case and one.answer.completion.outcome is Outcome.ANSWERED
    ]
    if not shown:
        return None
    vectors = hash_text(shown)
    return shown[int((vectors @ vectors.mean(axis=0)).argmax())]


def _show(completion: Completion) -> str:
    calls = [f"→ {call.name}({_arguments(call.arguments)})" for call in completion.tool_calls]
    return "\n".join([*([completion.text] if completion.text else []), *calls])


def _arguments(arguments: object) -> str:
    import json

    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
