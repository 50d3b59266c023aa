"""Whether the simulated model calls a tool, which one, and with what arguments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contractcheck.simulator.json_writer import write_json
from contractcheck.simulator.prompt import content_words

if TYPE_CHECKING:
    from random import Random

    from contractcheck.simulator.distribution import Token
    from contractcheck.simulator.question import Question, Tool
    from contractcheck.simulator.voice import Voice

OVERLAP_LEAN = 1.3
"""Added to a tool's logit per word that it shares with the prompt, at most four."""

NO_CALL_LEAN = 1.0
"""Logit of answering in words."""

_MOST_OVERLAP = 4
_STEM_LETTERS = 5
_IN_WORDS = "answer in words"


def choose_tool(question: Question, voice: Voice, random: Random) -> Tool | None:
    """Decide which tool to call, if any.

    A tool is the likelier the more words its name and description share with the
    prompt. After a tool's result the model answers in words unless forced.
    """
    if not question.tools or question.tool_choice == "none":
        return None
    if question.tool_choice == "named":
        return next(tool for tool in question.tools if tool.name == question.forced_tool)
    free = question.tool_choice == "auto"
    if free and question.after_tool:
        return None
    stems = _stems(question.prompt)
    options = [tool.name for tool in question.tools]
    leans = [
        OVERLAP_LEAN * min(len(stems & _stems(f"{tool.name} {tool.description}")), _MOST_OVERLAP)
        for tool in question.tools
    ]
    if free:
        options.append(_IN_WORDS)
        leans.append(NO_CALL_LEAN)
    index = voice.decide("tool", options, leans).draw(random)
    return question.tools[index] if index < len(question.tools) else None


def write_arguments(tool: Tool, voice: Voice, random: Random) -> list[Token]:
    """Sample the arguments of a call as JSON text.

    Raises:
        RequestError: The parameters are outside the supported schema subset.
    """
    parameters = {"type": "object", **tool.parameters}
    return write_json(parameters, voice, random, place=f"{tool.name}()")


def retype_arguments(value: object) -> object:
    """Apply the ``tool_argument_type`` change: numbers to strings, identifiers to integers."""
    if isinstance(value, dict):
        return {name: retype_arguments(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [retype_arguments(inner) for inner in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        digits = re.fullmatch(r"[A-Za-z]{0,5}[-_#]?(\d{1,15})", value)
        return int(digits.group(1)) if digits else value
    return value


def _stems(text: str) -> set[str]:
    return {word[:_STEM_LETTERS] for word in content_words(text)}
