"""Write JSON that follows a schema, every open choice made by the language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from contractcheck.simulator.distribution import Token
from contractcheck.simulator.json_numbers import find_number_options
from contractcheck.simulator.json_schema import (
    ANNOTATIONS,
    MAX_DEPTH,
    as_schema,
    count_limit,
    possible_types,
    resolve,
)
from contractcheck.simulator.json_strings import find_string_options, fit_length
from contractcheck.simulator.prompt import content_words
from contractcheck.simulator.question import RequestError
from contractcheck.simulator.request_fields import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from contractcheck.simulator.voice import Voice

OPTIONAL_LEAN = 1.5
"""Logit of writing an optional property (about 82 %)."""

PROMPT_OPTION_LEAN = 1.0
"""Added to the logit of an option whose word stands in the prompt."""

_SOFT_DEPTH = 5
_MAX_PROSE_TOKENS = 30
_UNIQUE_ATTEMPTS = 40
_COMPOSED = frozenset({"$ref", "anyOf"})


def write_json(
    schema: Mapping[str, object], voice: Voice, random: Random, *, place: str = "$"
) -> list[Token]:
    """Sample one JSON text that is valid under ``schema``.

    Args:
        schema: See `json_schema` for the supported keywords.
        voice: Supplies the distribution of every choice.
        random: Draws from them.
        place: Names the root; texts written at other places have other tastes.

    Raises:
        RequestError: The schema is outside the subset or cannot be satisfied.
    """
    writer = _Writer(schema, voice, random)
    writer.write(schema, place, 0)
    return writer.finish()


class _Writer:
    def __init__(self, root: Mapping[str, object], voice: Voice, random: Random) -> None:
        self._root = root
        self._voice = voice
        self._random = random
        self._tokens: list[Token] = []
        self._fixed = ""

    def finish(self) -> list[Token]:
        if self._fixed:
            self._tokens.append(Token(text=self._fixed))
            self._fixed = ""
        return self._tokens

    def write(self, node: object, place: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise RequestError(f"Invalid schema: too deep at {place}.", param="schema")
        schema = as_schema(node, place)
        if schema.keys() & _COMPOSED and len(schema.keys() - ANNOTATIONS) > 1:
            raise RequestError(
                f"Invalid schema at {place}: $ref and anyOf take no siblings.", param="schema"
            )
        if "$ref" in schema:
            self.write(resolve(schema, self._root, place), place, depth + 1)
        elif "const" in schema:
            self._fixed += _dump(schema["const"])
        elif "enum" in schema:
            self._write_enum(as_list(schema["enum"]), place)
        elif "anyOf" in schema:
            self._write_branch(as_list(schema["anyOf"]), place, depth)
        else:
            self._write_type(schema, place, depth)

    def _write_type(self, schema: Mapping[str, object], place: str, depth: int) -> None:
        types = possible_types(schema)
        # A null is rarer than a value, and the way out of a deep recursion.
        rare = 8.0 if depth > _SOFT_DEPTH else -1.0
        lean = [rare if name == "null" else 0.0 for name in types]
        chosen = types[self._draw(f"{place}:type", types, lean)] if len(types) > 1 else types[0]
        match chosen:
            case "object":
                self._write_object(schema, place, depth)
            case "array":
                self._write_array(schema, place, depth)
            case "string":
                self._write_string(schema, place)
            case "integer" | "number":
                options, leans = find_number_options(
                    schema, self._voice.prompt, place, whole=chosen == "integer"
                )
                self._emit(place, options, leans)
            case "boolean":
                self._emit(place, ("true", "false"), (0.0, 0.0))
            case _:
                self._fixed += "null"

    def _write_enum(self, values: list[object], place: str) -> None:
        words = self._voice.prompt.words
        leans = [
            PROMPT_OPTION_LEAN if isinstance(v, str) and content_words(v) & words else 0.0
            for v in values
        ]
        self._emit(place, [_dump(value) for value in values], leans)

    def _write_branch(self, branches: list[object], place: str, depth: int) -> None:
        null_lean = 8.0 if depth > _SOFT_DEPTH else -1.0
        leans = [null_lean if branch == {"type": "null"} else 0.0 for branch in branches]
        names = [str(i) for i in range(len(branches))]
        chosen = self._draw(f"{place}:branch", names, leans)
        self.write(branches[chosen], place, depth + 1)

    def _write_object(self, schema: Mapping[str, object], place: str, depth: int) -> None:
        properties = as_mapping(schema.get("properties"))
        required = [str(name) for name in as_list(schema.get("required"))]
        others = schema.get("additionalProperties", True)
        self._fixed += "{"
        first = True
        for name in dict.fromkeys([*properties, *required]):
            inner = f"{place}.{name}"
            if name not in required:
                lean = OPTIONAL_LEAN if depth <= _SOFT_DEPTH else -9.0
                if self._draw(f"{inner}?", ("yes", "no"), (lean, 0.0)) == 1:
                    continue
            self._fixed += f"{'' if first else ', '}{_dump(name)}: "
            self.write(properties.get(name, others), inner, depth + 1)
            first = False
        self._fixed += "}"

    def _write_array(self, schema: Mapping[str, object], place: str, depth: int) -> None:
        least = count_limit(schema, "minItems", 0)
        most = count_limit(schema, "maxItems", max(least, 4))
        if least > most:
            raise RequestError(f"Invalid schema at {place}: minItems > maxItems.", param="schema")
        sizes = [str(size) for size in range(least, min(most, least + 6) + 1)]
        shallow = depth <= _SOFT_DEPTH
        leans = [-0.7 * abs(int(size) - 2) if shallow else -3.0 * int(size) for size in sizes]
        size = int(sizes[self._draw(f"{place}:size", sizes, leans)])
        self._fixed += "["
        seen: set[str] = set()
        for i in range(size):
            item = self._sample_item(schema, f"{place}[]", depth, seen)
            if item is None and i >= least:
                break
            if item is None:
                raise RequestError(
                    f"Invalid schema at {place}: too few different items.", param="schema"
                )
            self._fixed += ", " if i else ""
            self._flush()
            self._tokens.extend(item)
        self._fixed += "]"

    def _sample_item(
        self, schema: Mapping[str, object], place: str, depth: int, seen: set[str]
    ) -> list[Token] | None:
        """Sample one array item; None when uniqueness is asked and only repeats come."""
        unique = schema.get("uniqueItems") is True
        for attempt in range(_UNIQUE_ATTEMPTS if unique else 1):
            item = _Writer(self._root, self._voice, self._random)
            # Another place has another taste, so that even greedy choices move on.
            item.write(schema.get("items", {}), place + "~" * attempt, depth + 1)
            tokens = item.finish()
            text = "".join(token.text for token in tokens)
            if text not in seen or not unique:
                seen.add(text)
                return tokens
        return None

    def _write_string(self, schema: Mapping[str, object], place: str) -> None:
        options, leans = find_string_options(schema, self._voice.prompt, place)
        if options:
            self._emit(place, [_dump(option) for option in options], leans)
            return
        prose = self._voice.speak(self._random, max_tokens=_MAX_PROSE_TOKENS, sentence_at=place)
        least = count_limit(schema, "minLength", 0)
        most = count_limit(schema, "maxLength", 10**6)
        self._fixed += '"'
        for text, token in zip(
            fit_length([token.text for token in prose], least, most, place), prose, strict=False
        ):
            self._flush()
            escaped = _dump(text)[1:-1]
            self._tokens.append(Token(text=escaped, logprob=token.logprob, source=token.source))
        self._fixed += '"'

    def _draw(self, place: str, options: Sequence[str], leans: Sequence[float]) -> int:
        return self._voice.decide(place, options, leans).draw(self._random)

    def _emit(self, place: str, options: Sequence[str], leans: Sequence[float]) -> None:
        distribution = self._voice.decide(place, options, leans)
        self._flush()
        self._tokens.append(distribution.token(distribution.draw(self._random)))

    def _flush(self) -> None:
        if self._fixed:
            self._tokens.append(Token(text=self._fixed))
            self._fixed = ""


def _dump(value: object) -> str:
    return orjson.dumps(value).decode()
