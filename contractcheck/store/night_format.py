"""Sufficient statistics of a night ↔ JSON."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, cast

from contractcheck.errors import RecordingError
from contractcheck.model.night import (
    CaseNight,
    LabelCell,
    NightStatistics,
    NumberCell,
    RateCell,
    TextCell,
)

if TYPE_CHECKING:
    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.night import Cell

_MEAN_TYPE = "<f2"
"""Half precision: a mean of unit vectors has entries below 1, and 1e-3 of one is far below
the sampling error of ten answers."""


def encode_night(night: NightStatistics) -> dict[str, object]:
    """Encode a night; stable key order."""
    return {
        "night": night.night,
        "run": night.run_id,
        "is_complete": night.is_complete,
        "models": list(night.models),
        "fingerprints": list(night.fingerprints),
        "cases": {
            case: {
                "request_fingerprint": one.request_fingerprint,
                "answered": one.answered,
                "planned": one.planned,
                "cells": {label: _encode_cell(cell) for label, cell in sorted(one.cells.items())},
            }
            for case, one in sorted(night.cases.items())
        },
    }


def decode_night(document: JsonObject, place: str) -> NightStatistics:
    """Decode a night.

    Raises:
        RecordingError: If anything is missing or of another type; ``place`` says where.
    """
    try:
        cases = cast("JsonObject", document["cases"])
        return NightStatistics(
            night=str(document["night"]),
            run_id=str(document["run"]),
            is_complete=document["is_complete"] is True,
            cases={case: _decode_case(cast("JsonObject", one)) for case, one in cases.items()},
            models=_strings(document["models"]),
            fingerprints=_strings(document["fingerprints"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordingError(
            f"{place}: damaged ({type(error).__name__}: {error}); restore it from version control"
        ) from error


def _encode_cell(cell: Cell) -> dict[str, object]:
    if isinstance(cell, LabelCell):
        return {"labels": dict(sorted(cell.counts.items()))}
    if isinstance(cell, NumberCell):
        return {"numbers": list(cell.values), "missing": cell.missing}
    if isinstance(cell, RateCell):
        return {"passed": cell.passed, "count": cell.count}
    import numpy as np

    mean = np.asarray(cell.mean, dtype=_MEAN_TYPE).tobytes()
    return {
        "texts": cell.count,
        "mean": base64.b64encode(mean).decode(),
        "effective_dimension": round(cell.effective_dimension, 3),
    }


def _decode_case(one: JsonObject) -> CaseNight:
    cells = cast("JsonObject", one["cells"])
    return CaseNight(
        request_fingerprint=str(one["request_fingerprint"]),
        answered=_integer(one["answered"]),
        planned=_integer(one["planned"]),
        cells={label: _decode_cell(cast("JsonObject", cell)) for label, cell in cells.items()},
    )


def _decode_cell(cell: JsonObject) -> Cell:
    if "labels" in cell:
        counts = cast("JsonObject", cell["labels"])
        return LabelCell(counts={label: _integer(count) for label, count in counts.items()})
    if "numbers" in cell:
        numbers = cast("list[float]", cell["numbers"])
        values = tuple(float(number) for number in numbers)
        return NumberCell(values=values, missing=_integer(cell["missing"]))
    if "texts" in cell:
        import numpy as np

        raw = base64.b64decode(str(cell["mean"]), validate=True)
        mean = np.frombuffer(raw, dtype=_MEAN_TYPE).astype(float)
        return TextCell(
            count=_integer(cell["texts"]),
            mean=tuple(mean.tolist()),
            effective_dimension=float(cast("float", cell["effective_dimension"])),
        )
    return RateCell(passed=_integer(cell["passed"]), count=_integer(cell["count"]))


def _integer(value: JsonValue) -> int:
    if isinstance(value, int):
        return value
    raise TypeError(f"expected an integer, got {value!r}")


def _strings(value: JsonValue) -> tuple[str, ...]:
    return tuple(str(item) for item in cast("list[str]", value))
