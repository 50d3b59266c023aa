"""``${NAME}`` where no variable is read: somebody thinks that it is, so they are told.

Only ``auth`` of a target names variables. What is sent to a model or compared with its answers is
text, and may well speak of variables; everything else in a suite is a name, a number or a place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.json_value import JsonValue
    from contractcheck.suite.yaml_reader import Path

_VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*\}")

_TEXTS = frozenset({"content", "system", "stop", "checks", "metrics"})
_ELSEWHERE = frozenset({"auth"})
"""Read by rules of its own."""


def misplaced_variables(value: JsonValue, path: Path = ()) -> Iterator[Path]:
    """Find the places of texts that name a variable and are no texts for a model."""
    if isinstance(value, str) and _VARIABLE.search(value):
        yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from misplaced_variables(item, (*path, index))
    elif isinstance(value, dict):
        for key in value.keys() - _TEXTS - _ELSEWHERE:
            yield from misplaced_variables(value[key], (*path, key))
