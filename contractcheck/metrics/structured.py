"""Metrics whose values have parts: JSON documents, tool calls, log-probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.metrics.place import NOT_JSON, NothingThereError, look_up, refuse_place
from contractcheck.metrics.registry import metric
from contractcheck.model.json_text import canonical_json

if TYPE_CHECKING:
    from contractcheck.model.completion import Answer, ToolCall
    from contractcheck.model.json_value import JsonValue


def _refuse_pattern(place: str) -> str | None:
    if not place.startswith("$"):
        return f"{place!r} is not a JSONPath; it begins with '$', and '$' is the whole answer"
    return refuse_place(place)


@metric("json", refuse=_refuse_pattern)
def json(answer: Answer, place: str) -> str:
    """The answer as a JSON document (``json: $``), or its part at a JSONPath (``json: $.order``).

    Two sides are compared path by path: presence and type, categories, numbers, texts. Nights are
    compared by the document's text with sorted keys; watch single values over nights with ``label``
    and ``number``. An answer that is not JSON counts as it is, a missing part as ``<absent>``.
    """
    try:
        return canonical_json(look_up(place, answer.completion.text))
    except NothingThereError as nothing:
        return answer.completion.text if nothing.category == NOT_JSON else nothing.category


@metric("tools")
def tool_arguments(answer: Answer, _place: str) -> str:
    """The tool calls with the values of their arguments; identifiers of calls are left out.

    Two sides are compared by which tools are called in which order, and by argument
    (``lookup_order.arguments.order_id``). Nights are compared by the calls' text; ``tool_calls``
    watches their pattern alone.
    """
    return canonical_json([_call(call) for call in answer.completion.tool_calls])


@metric("logprobs")
def logprobs(answer: Answer, _place: str) -> str | None:
    """Log-probabilities of the likeliest first tokens, where the provider was asked for them.

    The most sensitive sensor there is (Chauvin et al., arXiv:2512.03816). Two sides are compared
    by the mean absolute shift per token, in nats. A case asks for them by ``top_logprobs``. Nights
    are not compared in them.
    """
    tokens = answer.completion.first_token_logprobs
    return canonical_json(dict(tokens)) if tokens else None


def _call(call: ToolCall) -> JsonValue:
    arguments = call.arguments if call.is_parsed else str(call.arguments)
    written: JsonValue = {"name": call.name, "arguments": arguments}
    return written
