"""What the simulated model lets be seen of its thinking, where a request asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contractcheck.simulator.answering import Answer
    from contractcheck.simulator.question import Question

_SENTENCES = (
    "First, what is asked for. ",
    "Then, what is known about it. ",
    "A short answer will do. ",
    "It has to be right and polite. ",
)


def find_thoughts(question: Question, answer: Answer) -> tuple[str, ...]:
    """Return the thoughts before an answer, piece by piece; none unless the request asks.

    They are a summary: equal answers have equal ones, and nothing of the answer follows from them.
    """
    if not question.shows_thoughts:
        return ()
    return _SENTENCES[: 1 + int(answer.key, 16) % len(_SENTENCES)]


def count_thoughts(thoughts: tuple[str, ...]) -> int:
    """Return the tokens spent on thoughts, a word each."""
    return sum(len(thought.split()) for thought in thoughts)
