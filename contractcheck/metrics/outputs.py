"""Metrics of what was answered."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from contractcheck.metrics.place import NothingThereError, look_up, refuse_place
from contractcheck.metrics.registry import metric
from contractcheck.model.ending import ending_of
from contractcheck.model.json_text import canonical_json
from contractcheck.model.refusal import is_refusal
from contractcheck.model.scripts import scripts_in

if TYPE_CHECKING:
    from contractcheck.model.completion import Answer, ToolCall
    from contractcheck.model.json_value import JsonValue

NO_CALL = "<none>"
NO_SCRIPT = "<none>"

_LABEL_LENGTH = 200
_LARGEST_EXACT = 2**53
_BLANKS = re.compile(r"[ \t\n\f\r]+")
_NUMERAL = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")


@metric("text")
def text(answer: Answer, _place: str) -> str:
    """The whole text of the answer; empty when it only calls tools."""
    return answer.completion.text


@metric("label", refuse=refuse_place)
def label(answer: Answer, place: str) -> str:
    """One value as a category, such as ``label: $.priority`` (JSONPath) or ``label: '^([A-E])'``.

    Values that are not texts keep their JSON spelling, so that ``true`` and ``"true"`` differ.
    Where there is no value, the reason is the category: ``<not json>``, ``<absent>``,
    ``<no match>``.
    """
    try:
        return _short(_render(look_up(place, answer.completion.text)))
    except NothingThereError as nothing:
        return nothing.category


@metric("number", refuse=refuse_place)
def number(answer: Answer, place: str) -> float | None:
    """One value as a number, such as ``number: $.refund_eur``; missing when there is none.

    A number inside a JSON text (``"12"``) is not one; a pattern's match is read as a decimal.
    """
    try:
        value = look_up(place, answer.completion.text)
    except NothingThereError:
        return None
    if isinstance(value, str) and not place.startswith("$") and _NUMERAL.fullmatch(value):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:  # an integer beyond the range of a double
        return None


@metric("label")
def tool_calls(answer: Answer, _place: str) -> str:
    """The tools called, in order, with the names and JSON types of their arguments.

    Such as ``lookup_order(order_id:string)``; the arguments' values, often free text, are left
    to ``checks``. No call is ``<none>``; arguments that do not parse are ``name(<not json>)``.
    """
    calls = answer.completion.tool_calls
    return _short("; ".join(_render_call(call) for call in calls)) if calls else NO_CALL


@metric("number", unit="tokens")
def output_tokens(answer: Answer, _place: str) -> float | None:
    """Tokens of the answer, as the provider accounts for them; missing when it does not."""
    count = answer.completion.output_tokens
    return None if count is None else float(count)


@metric("label")
def refusal(answer: Answer, _place: str) -> str:
    """Whether the answer declines: ``yes`` or ``no``, judged by its opening words.

    ``yes`` when the provider says so (``ending`` is ``refused`` or ``filtered``), or when
    the first 200 characters decline in English ("I can't help with…", "As an AI…"). Matching
    openings against known phrases follows Zou et al. 2023 (arXiv:2307.15043, §3.1) and shares
    its limits: it is a steady measure of change, not a judge of single answers. On the 400
    answers that Chen et al. 2023 (arXiv:2307.09009, SensitiveQ) labelled by hand it finds 344
    of 364 refusals and takes 2 of 36 direct answers for one.
    """
    return "yes" if is_refusal(answer.completion) else "no"


@metric("label")
def ending(answer: Answer, _place: str) -> str:
    """How the answer ended, in the words of the check ``ending``: the same for all providers."""
    return ending_of(answer.completion.finish_reason)


@metric("label")
def scripts(answer: Answer, _place: str) -> str:
    """The scripts of the answer's letters, such as ``Latin`` or ``Han+Latin``; ``<none>`` without.

    A stray foreign letter is a label of its own: what is compared is how often it comes.
    """
    return "+".join(scripts_in(answer.completion.text)) or NO_SCRIPT


@metric("number", unit="characters")
def blank_run(answer: Answer, _place: str) -> float:
    """Longest run of blanks (spaces, tabs, line breaks) in the answer, in characters."""
    return float(max(map(len, _BLANKS.findall(answer.completion.text)), default=0))


def _render(value: JsonValue) -> str:
    """Texts as they are, unless they could be taken for another value or a reason."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_EXACT:
        value = int(value)  # RFC 8785 §3.2.2.3: one spelling per number
    if not isinstance(value, str):
        return canonical_json(value)
    is_ambiguous = value.startswith(("<", '"', "[", "{")) or value in {"true", "false", "null", ""}
    return canonical_json(value) if is_ambiguous or _NUMERAL.fullmatch(value) else value


def _render_call(call: ToolCall) -> str:
    if not call.is_parsed or not isinstance(call.arguments, dict):
        return f"{call.name}(<not json>)" if not call.is_parsed else f"{call.name}(<not object>)"
    arguments = sorted(call.arguments.items())
    return f"{call.name}({', '.join(f'{key}:{_json_type(value)}' for key, value in arguments)})"


def _json_type(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "boolean"
    for python_type, name in _TYPE_NAMES:
        if isinstance(value, python_type):
            return name
    return "array"


_TYPE_NAMES: tuple[tuple[type, str], ...] = (
    (str, "string"),
    (int, "integer"),
    (float, "number"),
    (dict, "object"),
    (type(None), "null"),
)


def _short(category: str) -> str:
    """Bound a category; different long ones stay different."""
    if len(category) <= _LABEL_LENGTH:
        return category
    digest = hashlib.sha256(category.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{category[: _LABEL_LENGTH - 10]}…#{digest}"
