"""Changes of single answers: what each does to an answer that it strikes.

An incident of unit ``share`` strikes that share of the answers, each wholly. One of unit
``factor`` strikes all of them, by that factor. An answer in which there is nothing to change (a
pure tool call has no text to cut) comes back as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contractcheck.model.completion import Answer, Completion, ToolCall
    from contractcheck.model.json_value import JsonValue

_REFUSAL = "I'm sorry, but I can't help with that."
_OPENING = "Certainly! Here is what you asked for:\n\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """One kind of change.

    Attributes:
        name: As users write it.
        summary: What it does to an answer, and where it was seen.
        unit: ``share`` of answers struck, or ``factor`` on every answer's times.
        sizes: Sizes worth asking about, small to large.
        strike: From an answer and a factor (ignored for shares) to the changed answer.
    """

    name: str
    summary: str
    unit: Literal["share", "factor"]
    sizes: tuple[float, ...]
    strike: Callable[[Answer, float], Answer]


def _refuse(answer: Answer, _factor: float) -> Answer:
    return _change(answer, text=_REFUSAL, tool_calls=())


def _cut(answer: Answer, _factor: float) -> Answer:
    text = answer.completion.text
    if not text:
        return answer
    return _change(answer, text=text[: len(text) // 2], finish_reason="length")


def _fence(answer: Answer, _factor: float) -> Answer:
    text = answer.completion.text
    return _change(answer, text=f"```json\n{text}\n```") if text else answer


def _open_politely(answer: Answer, _factor: float) -> Answer:
    text = answer.completion.text
    return _change(answer, text=_OPENING + text) if text else answer


def _spell_arguments(answer: Answer, _factor: float) -> Answer:
    calls = tuple(_spell(call) for call in answer.completion.tool_calls)
    return _change(answer, tool_calls=calls)


def _spell(call: ToolCall) -> ToolCall:
    if not isinstance(call.arguments, dict):
        return call
    spelt: JsonValue = {
        name: str(value)
        if isinstance(value, int | float) and not isinstance(value, bool)
        else value
        for name, value in call.arguments.items()
    }
    return replace(call, arguments=spelt)


def _skip_tools(answer: Answer, _factor: float) -> Answer:
    completion = answer.completion
    if not completion.tool_calls:
        return answer
    told = completion.text or "Let me know if you need anything else."
    return _change(answer, tool_calls=(), text=told, finish_reason="stop")


def _delay_first(answer: Answer, factor: float) -> Answer:
    first_s = answer.timing.ttft_s
    if first_s is None:
        return _slow_down(answer, factor)
    later_s = first_s * (factor - 1.0)
    timing = replace(
        answer.timing, ttft_s=first_s + later_s, total_s=answer.timing.total_s + later_s
    )
    return replace(answer, timing=timing)


def _slow_down(answer: Answer, factor: float) -> Answer:
    timing, first_s = answer.timing, answer.timing.ttft_s or 0.0
    total_s = first_s + (timing.total_s - first_s) * factor
    return replace(answer, timing=replace(timing, total_s=total_s))


def _change(
    answer: Answer,
    *,
    text: str | None = None,
    tool_calls: tuple[ToolCall, ...] | None = None,
    finish_reason: str | None = None,
) -> Answer:
    completion: Completion = answer.completion
    completion = replace(
        completion,
        text=completion.text if text is None else text,
        tool_calls=completion.tool_calls if tool_calls is None else tool_calls,
        finish_reason=finish_reason or completion.finish_reason,
    )
    return replace(answer, completion=completion)


_SHARES = (0.1, 0.3)
_FACTORS = (1.5, 2.0)

INCIDENTS: Final[Mapping[str, Incident]] = {
    one.name: one
    for one in (
        Incident(
            name="refusals",
            summary="The model declines what it used to do.",
            unit="share",
            sizes=_SHARES,
            strike=_refuse,
        ),
        Incident(
            name="truncation",
            summary="The answer ends half-way, with finish reason length.",
            unit="share",
            sizes=_SHARES,
            strike=_cut,
        ),
        Incident(
            name="json_fences",
            summary="JSON comes wrapped in a Markdown fence.",
            unit="share",
            sizes=_SHARES,
            strike=_fence,
        ),
        Incident(
            name="polite_opening",
            summary="The answer begins with a phrase that was not there.",
            unit="share",
            sizes=_SHARES,
            strike=_open_politely,
        ),
        Incident(
            name="argument_types",
            summary="Numbers in tool arguments become strings.",
            unit="share",
            sizes=_SHARES,
            strike=_spell_arguments,
        ),
        Incident(
            name="skipped_tools",
            summary="The model answers in words instead of calling the tool.",
            unit="share",
            sizes=_SHARES,
            strike=_skip_tools,
        ),
        Incident(
            name="slow_first_token",
            summary="The first token comes later, by a factor.",
            unit="factor",
            sizes=_FACTORS,
            strike=_delay_first,
        ),
        Incident(
            name="slow_tokens",
            summary="Everything after the first token takes longer, by a factor.",
            unit="factor",
            sizes=_FACTORS,
            strike=_slow_down,
        ),
    )
}
"""Every kind, by name."""
