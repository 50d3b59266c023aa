"""Values → pydantic models; what pydantic finds wrong, said as people would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from contractcheck.checks.registry import excerpt, listing
from contractcheck.errors import Problem
from contractcheck.suite.fields import guess, show
from contractcheck.suite.yaml_reader import Path, dotted

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_core import ErrorDetails

    from contractcheck.model.json_value import JsonValue

Model = TypeVar("Model", bound=BaseModel)


def validate(
    model: type[Model], value: JsonValue, *, file: str, line_of: Callable[[Path], int | None]
) -> Model | tuple[Problem, ...]:
    """Read a value as a model.

    Args:
        model: The shape it must have.
        value: What the file holds.
        file: Name of the file, for problems.
        line_of: Finds the line of a place in it.

    Returns:
        The model, or every problem found, in the order of the file.
    """
    shape = _read(model, value)
    if not isinstance(shape, tuple):
        return shape
    found = [
        Problem(
            file=file,
            line=line_of(detail["loc"]),
            where=_where(detail),
            what=_sentence(detail, model),
        )
        for detail in shape
    ]
    return tuple(sorted(found, key=lambda problem: (problem.line or 0, problem.where)))


def wrong_places(model: type[Model], value: JsonValue) -> tuple[Path, ...]:
    """Where a value is not as its model has it; a key that is missing counts as its place."""
    shape = _read(model, value)
    return tuple(detail["loc"] for detail in shape) if isinstance(shape, tuple) else ()


def _read(model: type[Model], value: JsonValue) -> Model | tuple[ErrorDetails, ...]:
    try:
        # Strict JSON mode reads lists as tuples and nothing else as anything else.
        return model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        return tuple(detail for detail in error.errors() if not _is_echo(detail))


def _is_echo(detail: ErrorDetails) -> bool:
    """Whether a list is called too short only because wrong items were not counted."""
    written = detail["input"]
    shortest = detail.get("ctx", {}).get("min_length", 0)
    return detail["type"] == "too_short" and isinstance(written, list) and len(written) >= shortest


def _where(detail: ErrorDetails) -> str:
    is_key = detail["type"] in {"missing", "extra_forbidden"}
    return dotted(detail["loc"][:-1] if is_key else detail["loc"])


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, loc = detail["type"], detail["loc"]
    context = detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "extra_forbidden":
        keys = _keys_at(model, loc[:-1])
        return f"unknown key {excerpt(str(loc[-1]))}; {guess(str(loc[-1]), keys)}"
    if kind == "missing":
        return f"missing key {str(loc[-1])!r}"
    expected = _EXPECTED.get(kind)
    if kind == "literal_error":
        expected = str(context["expected"]).replace("'", "")
        expected = listing(tuple(expected.replace(" or ", ", ").split(", ")))
    elif expected is not None:
        expected = expected.format(**context)
    return f"expected {expected or detail['msg']}, got {show(detail['input'])}"


_EXPECTED = {
    "string_type": "a text",
    "string_too_short": "a text that is not empty",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
}


def _keys_at(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """Keys allowed at a place, found by walking the models' annotations."""
    for step in path:
        if isinstance(step, int):
            continue
        inner = _model_in(model.model_fields[step].annotation)
        if inner is None:
            return ()
        model = inner
    return tuple(model.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
