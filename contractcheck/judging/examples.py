"""Before/after pairs: one look often says more than the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import Example
from contractcheck.stats.features import hash_text

if TYPE_CHECKING:
    from contractcheck.model.completion import Completion
    from contractcheck.model.measurement import MeasuredRun

RULE = "before: the most typical accepted answer; after: tonight's answer least like those"


def pick_example(before: MeasuredRun | None, after: MeasuredRun, case: str) -> Example | None:
    """Show what an answer used to be and what one is now.

    Typical is nearest to the mean of the accepted answers' n-gram vectors, least like them is
    farthest from it: after a change that touches one answer in five, the most typical answer of
    tonight would still look like every other.

    Args:
        before: The reference night, or None when its exchanges are not at hand.
        after: Tonight.
        case: Case id.
    """
    old = _shown(before, case) if before is not None else []
    new = _shown(after, case)
    if not any(old) and not any(new):
        return None  # embeddings have nothing to read
    if not old or not new:
        return None
    vectors = hash_text(old)
    mean = vectors.mean(axis=0)
    return Example(
        case=case,
        before=old[int((vectors @ mean).argmax())],
        after=new[int((hash_text(new) @ mean).argmin())],
        rule=RULE,
    )


def _shown(measured: MeasuredRun, case: str) -> list[str]:
    return [
        _show(one.answer.completion)
        for one in measured.answers
        if one.case == case and one.answer.completion.outcome is Outcome.ANSWERED
    ]


def _show(completion: Completion) -> str:
    calls = [f"→ {call.name}({_arguments(call.arguments)})" for call in completion.tool_calls]
    return "\n".join([*([completion.text] if completion.text else []), *calls])


def _arguments(arguments: object) -> str:
    import json

    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
