"""From a question to an answer: the simulated model at work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import orjson

from contractcheck.simulator.changes import find_active
from contractcheck.simulator.distribution import Token
from contractcheck.simulator.json_writer import write_json
from contractcheck.simulator.keyed import keyed_integer, keyed_random
from contractcheck.simulator.latency import Timing, plan_timing
from contractcheck.simulator.nights import find_night_effect
from contractcheck.simulator.refusals import write_refusal
from contractcheck.simulator.tools import choose_tool, retype_arguments, write_arguments
from contractcheck.simulator.voice import find_voice

if TYPE_CHECKING:
    from random import Random

    from contractcheck.simulator.conditions import Conditions
    from contractcheck.simulator.question import Question
    from contractcheck.simulator.voice import Voice

Finish = Literal["stop", "length", "tool", "stop_sequence"]

TRUNCATED_SHARE = 0.4
"""Share of the tokens that the ``truncation`` change leaves."""

_JSON_PREFACES = ("```json\n", "Here is the JSON you asked for:\n\n")
_PREFACE_ENDS = {"```json\n": "\n```"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the model says to one request.

    Attributes:
        key: Hexadecimal digits that name this answer; for ids on the wire.
        tokens: The text, or the JSON arguments of the tool call.
        tool: Name of the tool that is called, or None.
        finish: Why it ended.
        stop_sequence: The stop text that was reached, or None.
        prompt_tokens: >= 0.
        changes: Names of the changes that hit this answer.
        timing: One arrival time per token.
    """

    key: str
    tokens: tuple[Token, ...]
    tool: str | None
    finish: Finish
    stop_sequence: str | None
    prompt_tokens: int
    changes: frozenset[str]
    timing: Timing

    @property
    def text(self) -> str:
        """All tokens joined."""
        return "".join(token.text for token in self.tokens)


def answer_question(question: Question, conditions: Conditions, occurrence: int) -> Answer:
    """Answer one request; a pure function of its arguments.

    Args:
        question: What was asked.
        conditions: State of the provider.
        occurrence: How often this very request was asked before in this night, >= 0.
            A request with a ``seed`` draws the same numbers on every occasion.

    Raises:
        RequestError: A schema is outside the supported subset.
    """
    night = find_night_effect(conditions)
    occasion = (night.key, str(occurrence), question.key)
    active = find_active(conditions.changes, *occasion)
    voice = find_voice(
        question.prompt,
        model_name=question.model,
        night=night,
        temperature=question.temperature * active.get("temperature", 1.0),
        top_p=question.top_p,
    )
    is_seeded = question.seed is not None and "same-seed-other-text" not in active
    fixed = ("seeded", str(question.seed), question.key)
    random = keyed_random("answer", *(fixed if is_seeded else occasion))
    tokens, tool = _sample(question, voice, random, active)
    tokens, finish, stop_sequence = _end(tokens, question, tool, active)
    prompt_tokens = _count_prompt_tokens(question, voice)
    timing = plan_timing(
        key=occasion,
        prompt_tokens=prompt_tokens,
        output_tokens=len(tokens),
        night=night,
        time_scale=conditions.time_scale,
        first_token_factor=active.get("slow_first_token", 1.0),
    )
    return Answer(
        key=f"{keyed_integer('id', *occasion):016x}",
        tokens=tuple(tokens),
        tool=tool,
        finish=finish,
        stop_sequence=stop_sequence,
        prompt_tokens=prompt_tokens,
        changes=frozenset(active),
        timing=timing,
    )


def _sample(
    question: Question, voice: Voice, random: Random, active: dict[str, float]
) -> tuple[list[Token], str | None]:
    if "refusals" in active:
        return write_refusal(random), None
    tool = choose_tool(question, voice, random)
    if tool is not None:
        tokens = write_arguments(tool, voice, random)
        if "tool_argument_type" in active:
            tokens = _retype(tokens)
        return tokens, tool.name
    if question.schema is not None:
        tokens = write_json(question.schema, voice, random)
        if "json_format" in active:
            preface = random.choice(_JSON_PREFACES)
            end = _PREFACE_ENDS.get(preface)
            tokens = [Token(text=preface), *tokens, *([Token(text=end)] if end else [])]
        return tokens, None
    if voice.prompt.labels:
        labels = voice.decide("label", voice.prompt.labels, [0.0] * len(voice.prompt.labels))
        return [labels.token(labels.draw(random))], None
    return voice.speak(random, max_tokens=question.max_tokens), None


def _retype(tokens: list[Token]) -> list[Token]:
    arguments = orjson.loads("".join(token.text for token in tokens))
    text = orjson.dumps(retype_arguments(arguments)).decode()
    size = 6
    return [Token(text=text[i : i + size]) for i in range(0, len(text), size)]


def _end(
    tokens: list[Token], question: Question, tool: str | None, active: dict[str, float]
) -> tuple[list[Token], Finish, str | None]:
    """Apply the token limit, then the stop texts (words only), then ``truncation``."""
    kept, finish, stop_sequence = _limit(tokens, question, tool)
    if "truncation" in active:
        return kept[: max(1, int(TRUNCATED_SHARE * len(kept)))], "length", None
    return kept, finish, stop_sequence


def _limit(
    tokens: list[Token], question: Question, tool: str | None
) -> tuple[list[Token], Finish, str | None]:
    kept = tokens[: question.max_tokens]
    # A free text that used up its limit was cut while it was written.
    cut = len(tokens) > len(kept) or (
        tool is None and question.schema is None and len(tokens) == question.max_tokens
    )
    if tool is None and question.stop:
        text = "".join(token.text for token in kept)
        hits = [(text.find(stop), stop) for stop in question.stop if stop in text]
        if hits:
            place, stop = min(hits)
            return _cut_text(kept, place), "stop_sequence", stop
    if cut:
        return kept, "length", None
    return kept, "tool" if tool else "stop", None


def _cut_text(tokens: list[Token], length: int) -> list[Token]:
    kept: list[Token] = []
    for token in tokens:
        if length <= 0:
            break
        whole = len(token.text) <= length
        kept.append(token if whole else Token(text=token.text[:length], logprob=token.logprob))
        length -= len(token.text)
    return kept


def _count_prompt_tokens(question: Question, voice: Voice) -> int:
    overhead, letters_per_token = 7, 4
    described = sum(
        len(tool.name) + len(tool.description) + len(orjson.dumps(dict(tool.parameters)))
        for tool in question.tools
    )
    return voice.prompt.token_count + overhead + described // letters_per_token
