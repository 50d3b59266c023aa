"""Sufficient statistics of a night ↔ JSON, one line per case and metric.

Format 1 was the same document, indented: one number per line. Both are read by the same code;
only format 2 is written. A night of format 2 may have a ``wire``; those that were accepted before
shapes were learnt have none.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, cast

import orjson

from contractcheck.errors import RecordingError
from contractcheck.model.night import (
    CaseNight,
    LabelCell,
    NightStatistics,
    NumberCell,
    RateCell,
    TextCell,
)
from contractcheck.store.wire_format import decode_wire, encode_wire

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.night import Cell

FORMAT = 2
"""Version of a night's file; readers refuse newer ones and must load every older one."""

_MEAN_TYPE = "<f2"
"""Half precision: a mean of unit vectors has entries below 1, and 1e-3 of one is far below
the sampling error of ten answers."""

_EXACT_BELOW = 2.0**53
"""Integers below are exact as doubles (IEEE 754), so that they come back as they were."""


def encode_night(night: NightStatistics) -> bytes:
    """Encode a night: a JSON document with one line per cell; stable order."""
    head = {
        "format": FORMAT,
        "night": night.night,
        "run": night.run_id,
        "is_complete": night.is_complete,
        "models": night.models,
        "fingerprints": night.fingerprints,
    }
    cases = {name: _encode_case(one) for name, one in night.cases.items()}
    document = _nest(head, "cases", cases)
    if night.wire is not None:
        document = document[:-1] + b',\n"wire":' + encode_wire(night.wire) + b"}"
    return document + b"\n"


def decode_night(document: JsonObject, place: str) -> NightStatistics:
    """Decode a night.

    Raises:
        RecordingError: If anything is missing, of another type or of a newer format; ``place``
            says where.
    """
    version = document.get("format", 1)
    if not isinstance(version, int) or not 1 <= version <= FORMAT:
        raise RecordingError(
            f"{place}: format {version!r}; this version reads up to {FORMAT}: upgrade contractcheck"
        )
    try:
        cases = cast("JsonObject", document["cases"])
        return NightStatistics(
            night=str(document["night"]),
            run_id=str(document["run"]),
            is_complete=document["is_complete"] is True,
            cases={case: _decode_case(cast("JsonObject", one)) for case, one in cases.items()},
            models=_strings(document["models"]),
            fingerprints=_strings(document["fingerprints"]),
            wire=decode_wire(cast("JsonObject", document["wire"])) if "wire" in document else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordingError(
            f"{place}: damaged ({type(error).__name__}: {error}); restore it from version control"
        ) from error


def stored_form(night: NightStatistics) -> NightStatistics:
    """Return the night as it will be read back once it is accepted: means in half precision."""
    return decode_night(cast("JsonObject", orjson.loads(encode_night(night))), night.night)


def _encode_case(one: CaseNight) -> bytes:
    head = {
        "request_fingerprint": one.request_fingerprint,
        "answered": one.answered,
        "planned": one.planned,
    }
    cells = {label: orjson.dumps(_encode_cell(cell)) for label, cell in one.cells.items()}
    return _nest(head, "cells", cells)


def _nest(head: dict[str, object], name: str, members: dict[str, bytes]) -> bytes:
    """Append to an object a member ``name``: an object whose members stand on lines of their own.

    Every line is one fact, so that a review sees which case and metric changed.
    """
    lines = [b"\n" + orjson.dumps(key) + b":" + members[key] for key in sorted(members)]
    return orjson.dumps(head)[:-1] + b',"' + name.encode() + b'":{' + b",".join(lines) + b"}}"


def _encode_cell(cell: Cell) -> dict[str, object]:
    if isinstance(cell, LabelCell):
        return {"labels": dict(sorted(cell.counts.items()))}
    if isinstance(cell, NumberCell):
        return {"numbers": [_shorten(value) for value in cell.values], "missing": cell.missing}
    if isinstance(cell, RateCell):
        return {"passed": cell.passed, "count": cell.count}
    import numpy as np

    mean = np.asarray(cell.mean, dtype=_MEAN_TYPE).tobytes()
    return {
        "texts": cell.count,
        "effective_dimension": round(cell.effective_dimension, 3),
        "mean": base64.b64encode(mean).decode(),
    }


def _shorten(number: float) -> float | int:
    """Write 21.0 as 21; a negative zero keeps its sign."""
    is_negative_zero = number == 0 and math.copysign(1, number) < 0
    if number.is_integer() and abs(number) < _EXACT_BELOW and not is_negative_zero:
        return int(number)
    return number


def _decode_case(one: JsonObject) -> CaseNight:
    cells = cast("JsonObject", one["cells"])
    return CaseNight(
        request_fingerprint=str(one["request_fingerprint"]),
        answered=_count(one["answered"]),
        planned=_count(one["planned"]),
        cells={label: _decode_cell(cast("JsonObject", cell)) for label, cell in cells.items()},
    )


def _decode_cell(cell: JsonObject) -> Cell:
    if "labels" in cell:
        counts = cast("JsonObject", cell["labels"])
        return LabelCell(counts={label: _count(count) for label, count in counts.items()})
    if "numbers" in cell:
        numbers = cast("list[JsonValue]", cell["numbers"])
        values = tuple(_number(number) for number in numbers)
        return NumberCell(values=values, missing=_count(cell["missing"]))
    if "texts" in cell:
        import numpy as np

        raw = base64.b64decode(str(cell["mean"]), validate=True)
        mean = np.frombuffer(raw, dtype=_MEAN_TYPE).astype(float)
        if not np.isfinite(mean).all():
            raise ValueError("the mean of a text is not finite")
        return TextCell(
            count=_count(cell["texts"]),
            mean=tuple(mean.tolist()),
            effective_dimension=_number(cell["effective_dimension"]),
        )
    return RateCell(passed=_count(cell["passed"]), count=_count(cell["count"]))


def _count(value: JsonValue) -> int:
    if isinstance(value, int) and value >= 0:
        return value
    raise TypeError(f"expected a count, got {value!r}")


def _number(value: JsonValue) -> float:
    if isinstance(value, int | float):
        return float(value)
    raise TypeError(f"expected a number, got {value!r}")


def _strings(value: JsonValue) -> tuple[str, ...]:
    return tuple(str(item) for item in cast("list[str]", value))
