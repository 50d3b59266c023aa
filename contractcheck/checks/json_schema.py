"""JSON Schema, Draft 2020-12, without its dangers.

No ``$ref`` is ever fetched (the default of ``jsonschema`` would), ``pattern`` is searched in
linear time, and neither a cyclic schema nor a hostile value ends in a traceback.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

from contractcheck.checks.registry import excerpt
from contractcheck.model.json_text import canonical_json, parse_json
from contractcheck.model.pattern import PatternError, check_pattern, search_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

    from contractcheck.model.json_value import JsonObject, JsonValue

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The one dialect: https://json-schema.org/draft/2020-12."""

_UNUSABLE = "the schema cannot be applied"

Path = tuple[str | int, ...]


class SchemaFormError(ValueError):
    """A schema cannot be used; ``path`` leads to the place inside it."""

    def __init__(self, what: str, path: Sequence[str | int] = ()) -> None:
        super().__init__(what)
        self.path = tuple(path)


def check_schema(schema: JsonValue) -> None:
    """Make sure that answers can be validated against a schema.

    Raises:
        SchemaFormError: If it is not a Draft 2020-12 schema that stands on its own.
    """
    if not isinstance(schema, dict):
        raise SchemaFormError("a JSON Schema is an object here")
    dialect = schema.get("$schema", DIALECT)
    if dialect != DIALECT:
        raise SchemaFormError(f"only the dialect {DIALECT} is read", ["$schema"])
    _check_against_metaschema(schema)
    parts = dict(_subschemas(schema, ()))
    places = _places(parts)
    for path, part in parts.items():
        _check_part(path, part)
        _check_references(path, part, places)
    _check_circles(parts, places)


def explain_mismatch(value: JsonValue, schema: JsonObject) -> str | None:
    """Say where and why a value does not conform to a schema; None when it does.

    The schema must have passed ``check_schema``. Of several reasons the shallowest is told.
    """
    from jsonschema.exceptions import best_match
    from referencing.exceptions import Unresolvable

    try:
        error = best_match(_validator(canonical_json(schema, sort_keys=False)).iter_errors(value))
    except RecursionError:
        return f"{_UNUSABLE}: it refers to itself without end"
    except Unresolvable as missing:
        return f"{_UNUSABLE}: {excerpt(missing.ref)} points to nothing in it"
    except ArithmeticError:
        return "holds a number that is too large to judge"
    if error is None:
        return None
    return f"{error.json_path[:80]}: {_reason(error)}"


def _reason(error: ValidationError) -> str:
    """Our own words: the library's repeat the whole value, which may be very long."""
    got = excerpt(canonical_json(cast("JsonValue", error.instance)))
    limit = excerpt(canonical_json(cast("JsonValue", error.validator_value)))
    if error.validator in {"required", "additionalProperties"}:
        return error.message[:120]  # short, and names are quoted as by repr
    return f"{got} breaks {error.validator}: {limit}"


def _check_against_metaschema(schema: JsonObject) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    # The metaschema refers only to vocabularies that the library ships: nothing to fetch.
    metaschema = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    error = best_match(metaschema.iter_errors(schema))
    if error is not None:
        raise SchemaFormError(f"not a JSON Schema: {_reason(error)}", error.absolute_path)


def _check_part(path: Path, part: Mapping[str, JsonValue]) -> None:
    if path and "$id" in part:
        raise SchemaFormError("an $id stands only at the top of a file", [*path, "$id"])
    if "patternProperties" in part:
        raise SchemaFormError(
            "patternProperties is not supported (neither do the providers' structured outputs); "
            "use properties, or additionalProperties with propertyNames",
            [*path, "patternProperties"],
        )
    pattern = part.get("pattern")
    if isinstance(pattern, str):
        try:
            check_pattern(pattern)
        except PatternError as error:
            raise SchemaFormError(f"{excerpt(pattern)} is {error}", [*path, "pattern"]) from None


def _places(parts: Mapping[Path, Mapping[str, JsonValue]]) -> dict[str, Path]:
    """Where each reference within the file leads: JSON Pointers (RFC 6901) and anchors."""
    places: dict[str, Path] = {}
    for path, part in parts.items():
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
        places["#" + "".join(f"/{step}" for step in steps)] = path
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(part.get(keyword), str):
                places[f"#{part[keyword]}"] = path
    return places


def _check_references(
    path: Path, part: Mapping[str, JsonValue], places: Mapping[str, Path]
) -> None:
    for keyword in _REFERENCES:
        reference = part.get(keyword)
        if not isinstance(reference, str) or unquote(reference) in places:
            continue
        what = f"{excerpt(reference)} points to no schema in this file"
        if not reference.startswith("#"):
            what = (
                f"{excerpt(reference)} is outside this file; only references that begin "
                "with '#' are followed, nothing is ever fetched"
            )
        raise SchemaFormError(what, [*path, keyword])


def _check_circles(
    parts: Mapping[Path, Mapping[str, JsonValue]], places: Mapping[str, Path]
) -> None:
    """Refuse a schema that applies itself to the very same value: it would never end."""
    finished: set[Path] = set()

    def follow(path: Path, trail: tuple[Path, ...]) -> None:
        if path in trail:
            raise SchemaFormError("refers to itself without end", path)
        if path in finished:
            return
        part = parts[path]
        for keyword in _REFERENCES:
            reference = part.get(keyword)
            if isinstance(reference, str):
                follow(places[unquote(reference)], (*trail, path))
        for inner in _same_value(path, part):
            if inner in parts:
                follow(inner, (*trail, path))
        finished.add(path)

    for path in parts:
        follow(path, ())


def _same_value(path: Path, part: Mapping[str, JsonValue]) -> Iterator[Path]:
    """Schemas inside a schema that look at the same value as it does."""
    for keyword in ("not", "if", "then", "else"):
        yield (*path, keyword)
    for keyword in ("allOf", "anyOf", "oneOf", "dependentSchemas"):
        inner = part.get(keyword)
        if isinstance(inner, list):
            yield from ((*path, keyword, index) for index in range(len(inner)))
        elif isinstance(inner, dict):
            yield from ((*path, keyword, name) for name in inner)


_REFERENCES = ("$ref", "$dynamicRef")
_ONE = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPS = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})


def _subschemas(schema: JsonValue, path: Path) -> Iterator[tuple[Path, Mapping[str, JsonValue]]]:
    """Every schema inside a schema, with its path: keywords, not names of properties."""
    if isinstance(schema, bool):
        yield path, {}
    if not isinstance(schema, dict):
        return
    yield path, schema
    for keyword, value in schema.items():
        here = (*path, keyword)
        if keyword in _ONE:
            yield from _subschemas(value, here)
        elif keyword in _LISTS and isinstance(value, list):
            for index, item in enumerate(value):
                yield from _subschemas(item, (*here, index))
        elif keyword in _MAPS and isinstance(value, dict):
            for name, item in value.items():
                yield from _subschemas(item, (*here, name))


@lru_cache(maxsize=64)
def _validator(schema_json: str) -> Validator:
    """Keyed by text, since schemas are plain dicts; pure, so the cache is invisible."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend
    from referencing import Registry

    # An untyped function of the library: it returns a class like the one it is given.
    make: Callable[..., type[Validator]] = extend
    safe = make(Draft202012Validator, validators={"pattern": _judge_pattern})
    return safe(cast("Mapping[str, object]", parse_json(schema_json)), registry=Registry())


def _judge_pattern(
    _validator: Validator, pattern: str, value: object, _schema: object
) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    if isinstance(value, str) and search_pattern(pattern, value) is None:
        yield ValidationError(f"{excerpt(value)} does not match {excerpt(pattern)}")
