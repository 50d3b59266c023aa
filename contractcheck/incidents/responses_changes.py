"""Changes of OpenAI's Responses and embeddings, and of the headers of both and of Azure."""

from __future__ import annotations

import base64
import math
from array import array
from random import Random
from typing import TYPE_CHECKING

from contractcheck.incidents.coins import keyed_letters
from contractcheck.incidents.draft import inner, items, make_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.incidents.draft import Draft, JsonDict

_NOISE_RATIO = math.tan(math.acos(0.9))
"""Length of the noise against that of the vector: leaves a cosine of .9, within the .82 to .94
that was reported of Cohere's embed-v4 (cohere-ai/cohere-python#720)."""

_PREAMBLE = ("response.created", "response.in_progress")


def add_reasoning_items(draft: Draft) -> None:
    """Begin the output with a reasoning item that has no ``content``, as before June 2026."""
    item: JsonDict = {
        "id": "rs_" + keyed_letters(48, "reasoning", draft.key),
        "type": "reasoning",
        "summary": [],
    }
    for document in draft.documents:
        for response in (document, inner(document, "response")):
            if output := response.get("output"):
                response["output"] = [dict(item), *output] if isinstance(output, list) else output
        if isinstance(index := document.get("output_index"), int):
            document["output_index"] = index + 1
    if draft.is_streamed and draft.events:
        _insert_item(draft, item)


def _insert_item(draft: Draft, item: JsonDict) -> None:
    at = sum(event.name in _PREAMBLE for event in draft.events)
    due_s = draft.events[min(at, len(draft.events) - 1)].due_s
    for name in ("response.output_item.done", "response.output_item.added"):
        fields: JsonDict = {"type": name, "output_index": 0, "item": dict(item)}
        draft.events.insert(at, make_event(name, fields, due_s))
    for number, document in enumerate(draft.documents):
        document["sequence_number"] = number


def fill_reasoning_items(draft: Draft) -> None:
    """Give reasoning items a ``content``."""
    for item in _output_items(draft):
        if item.get("type") == "reasoning":
            item["content"] = []


def _output_items(draft: Draft) -> Iterator[JsonDict]:
    for document in draft.documents:
        yield inner(document, "item")
        yield from items(document, "output")
        yield from items(inner(document, "response"), "output")


def embed_by_type(draft: Draft) -> None:
    """Send every vector a second time, under the name of its number type."""
    for document in draft.documents:
        for holder in (document, *items(document, "data")):
            if "embedding" in holder:
                holder["embeddingsByType"] = {"float": holder["embedding"]}


def turn_embeddings(draft: Draft) -> None:
    """Turn every vector a little, as if another model had made it."""
    for document in draft.documents:
        for number, holder in enumerate((document, *items(document, "data"))):
            noise = Random(keyed_letters(32, "embedding", draft.key, str(number)))  # noqa: S311 - a simulation, not a secret
            holder.update(_turn(holder.get("embedding"), noise))


def _turn(vector: object, noise: Random) -> JsonDict:
    """Return the member with the turned vector; none where there is no vector of numbers."""
    if isinstance(vector, list) and all(type(value) in {int, float} for value in vector):
        return {"embedding": _turned(vector, noise)}
    if isinstance(vector, str):
        try:
            numbers = array("f", base64.b64decode(vector)).tolist()
        except ValueError:
            return {}
        turned = array("f", _turned(numbers, noise)).tobytes()
        return {"embedding": base64.b64encode(turned).decode()}
    return {}


def _turned(vector: list[float], noise: Random) -> list[float]:
    added = [noise.gauss(0.0, 1.0) for _ in vector]
    length = math.hypot(*added) or 1.0
    step = _NOISE_RATIO * math.hypot(*vector) / length
    moved = [value + step * other for value, other in zip(vector, added, strict=True)]
    scale = math.hypot(*vector) / (math.hypot(*moved) or 1.0)
    return [value * scale for value in moved]


def spoil_rate_limits(draft: Draft) -> None:
    """Say -1 requests and 0 tokens remain, and not when to ask again."""
    spoilt = {
        "x-ratelimit-remaining-requests": "-1",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-limit-requests": "-1",
        "x-ratelimit-limit-tokens": "0",
    }
    draft.headers = (
        *(
            (name, value)
            for name, value in draft.headers
            if name.lower() not in {*spoilt, "retry-after", "retry-after-ms"}
        ),
        *spoilt.items(),
    )
