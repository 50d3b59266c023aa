"""Rows of the history ↔ JSON documents. A row may be damaged, edited, or of a newer version."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar, get_args

import orjson

from contractcheck.errors import RecordingError
from contractcheck.files import parse_json_object
from contractcheck.model.history import (
    ChartReading,
    EventKind,
    FindingRecord,
    HistoryEvent,
    NightJudgement,
    NightPart,
    NightRecord,
    NightValues,
)
from contractcheck.model.judgement import FindingKind, Plane, Verdict
from contractcheck.model.night_rows import NightRows
from contractcheck.store.night_format import decode_night, encode_night
from contractcheck.store.zstd import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.json_value import JsonObject, JsonValue
    from contractcheck.model.night import NightStatistics

FORMAT = 1
"""Version of the documents; readers refuse newer ones and must load every older one."""

_Word = TypeVar("_Word", bound=str)

REMEDY = "`contractcheck history rebuild` makes it again from the runs"


def encode_record(record: NightRecord) -> bytes:
    """Encode what is known of a run of the watch."""
    return _encode(record)


def decode_record(data: bytes, place: str) -> NightRecord:
    """Decode it.

    Raises:
        RecordingError: If it is damaged or of a newer version; ``place`` says where.
    """
    with _decoding(data, place) as row:
        return NightRecord(
            **{name: _text(row[name]) for name in _RECORD_TEXTS},
            is_complete=_truth(row["is_complete"]),
            vantage=_texts_by_name(row["vantage"]),
            parts={case: _texts_by_name(one) for case, one in _object(row["parts"]).items()},
            part=_one_of(get_args(NightPart), row["part"]),
            models=tuple(map(_text, _list(row["models"]))),
            fingerprints=tuple(map(_text, _list(row["fingerprints"]))),
            checks=_texts_by_name(row.get("checks", {})),
        )


_RECORD_TEXTS = (
    "suite",
    "target",
    "night",
    "run_id",
    "run_root",
    "suite_version",
    "suite_fingerprint",
    "started_at",
    "ended_at",
    "label",
)


def encode_statistics(statistics: NightStatistics) -> bytes:
    """Encode a night as its file beside a baseline, packed."""
    return pack(encode_night(statistics))


def decode_statistics(data: bytes, place: str) -> NightStatistics:
    """Decode it; means of texts are in half precision, as ``store.stored_form`` has them.

    Raises:
        RecordingError: If it is damaged or of a newer version; ``place`` says where.
    """
    packed = _whole(data, place)
    try:
        return decode_night(parse_json_object(unpack(packed, place), place), place)
    except RecordingError as error:
        raise RecordingError(f"{error}; {REMEDY}") from error


def encode_values(values: NightValues) -> bytes:
    """Encode the numbers that charts add up, packed; doubles come back as they were.

    Raises:
        ValueError: If one of them is not finite: what cannot be compared has to be absent.
    """
    for stream, cases in values.streams.items():
        for case, one in cases.items():
            if not (math.isfinite(one.value) and math.isfinite(one.variance)):
                raise ValueError(f"night {values.night}: {stream} of {case} is not finite: {one}")
    streams = {
        stream: {
            case: (float(one.value), float(one.variance)) for case, one in sorted(cases.items())
        }
        for stream, cases in sorted(values.streams.items())
    }
    document = {"format": FORMAT, "night": values.night, "run": values.run_id, "streams": streams}
    return pack(orjson.dumps(document))


def decode_values(data: bytes, place: str) -> NightValues:
    """Decode them.

    Raises:
        RecordingError: If they are damaged or of a newer version; ``place`` says where.
    """
    packed = _whole(data, place)
    try:
        plain = unpack(packed, place)
    except RecordingError as error:
        raise RecordingError(f"{error}; {REMEDY}") from error
    with _decoding(plain, place) as row:
        return NightValues(
            night=_text(row["night"]),
            run_id=_text(row["run"]),
            streams={
                stream: _rows(_object(cases)) for stream, cases in _object(row["streams"]).items()
            },
        )


def encode_judgement(judgement: NightJudgement) -> bytes:
    """Encode what was said of a night."""
    return _encode(judgement)


def decode_judgement(data: bytes, place: str) -> NightJudgement:
    """Decode it.

    Raises:
        RecordingError: If it is damaged or of a newer version; ``place`` says where.
    """
    with _decoding(data, place) as row:
        return NightJudgement(
            suite=_text(row["suite"]),
            target=_text(row["target"]),
            night=_text(row["night"]),
            run_id=_text(row["run_id"]),
            baseline=_text(row["baseline"]),
            verdict=Verdict(row["verdict"]),
            headline=_text(row["headline"]),
            findings=tuple(_finding(_object(one)) for one in _list(row["findings"])),
            charts=tuple(_chart(_object(one)) for one in _list(row["charts"])),
            confirm_after=_text_or_none(row["confirm_after"]),
            after=_text(row.get("after", "")),
            seen=_text(row.get("seen", "")),
        )


def encode_event(event: HistoryEvent) -> bytes:
    """Encode something that happened."""
    return _encode(event)


def decode_event(data: bytes, place: str) -> HistoryEvent:
    """Decode it.

    Raises:
        RecordingError: If it is damaged or of a newer version; ``place`` says where.
    """
    with _decoding(data, place) as row:
        return HistoryEvent(
            suite=_text(row["suite"]),
            target=_text(row["target"]),
            night=_text(row["night"]),
            kind=_one_of(get_args(EventKind), row["kind"]),
            words=_text(row["words"]),
            case=_text_or_none(row["case"]),
            by=_text(row["by"]),
            expires=_text_or_none(row["expires"]),
        )


def _encode(noun: NightRecord | NightJudgement | HistoryEvent) -> bytes:
    """Encode fields by name, sorted; a text that is not Unicode has no bytes."""
    numbers = orjson.OPT_SERIALIZE_NUMPY
    try:
        return orjson.dumps(
            {"format": FORMAT, **orjson.loads(orjson.dumps(noun, option=numbers))},
            option=orjson.OPT_SORT_KEYS,
        )
    except orjson.JSONEncodeError as error:
        raise RecordingError(
            f"{noun.suite} × {noun.target}, night {noun.night}: cannot be kept ({error})"
        ) from error


def _whole(data: object, place: str) -> bytes:
    """The bytes of a row; SQLite keeps in any column whatever damage left there."""
    if not isinstance(data, bytes):
        kind = type(data).__name__
        raise RecordingError(f"{place}: damaged (holds {kind} instead of bytes); {REMEDY}")
    return data


@contextmanager
def _decoding(data: bytes, place: str) -> Iterator[JsonObject]:
    """Parse a document and turn whatever is wrong with it into one error."""
    document = _whole(data, place)
    try:
        row = parse_json_object(document, place)
    except RecordingError as error:
        raise RecordingError(f"{error}; {REMEDY}") from error
    version = row.get("format")
    if isinstance(version, int) and version > FORMAT:
        words = f"this version reads up to {FORMAT}: upgrade contractcheck"
        raise RecordingError(f"{place}: format {version}; {words}")
    try:
        yield row
    except (KeyError, TypeError, ValueError) as error:
        words = f"{type(error).__name__}: {error}"
        raise RecordingError(f"{place}: damaged ({words}); {REMEDY}") from error


def _finding(row: JsonObject) -> FindingRecord:
    return FindingRecord(
        kind=FindingKind(row["kind"]),
        plane=_one_of(get_args(Plane), row["plane"]),
        message=_text(row["message"]),
        case=_text_or_none(row["case"]),
        metric=_text_or_none(row["metric"]),
        since=_text_or_none(row["since"]),
    )


def _chart(row: JsonObject) -> ChartReading:
    return ChartReading(
        stream=_text(row["stream"]),
        plane=_one_of(get_args(Plane), row["plane"]),
        kind=_text(row["kind"]),
        value=_reading(row["value"]),
        threshold=_reading(row["threshold"]),
    )


def _rows(cases: JsonObject) -> NightRows:
    """Two numbers per row; years of them are read each night, so they go by column."""
    if not cases:
        return NightRows((), (), ())
    values, variances = zip(*cases.values(), strict=True)
    if {*map(type, values), *map(type, variances)} != {float}:
        values, variances = (tuple(map(_number, column)) for column in (values, variances))
    return NightRows(tuple(cases), values, variances)


def _one_of(allowed: tuple[_Word, ...], value: JsonValue) -> _Word:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {allowed}")
    return value


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is no object")
    return value


def _list(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _text_or_none(value: JsonValue) -> str | None:
    return None if value is None else _text(value)


def _texts_by_name(value: JsonValue) -> dict[str, str]:
    return {name: _text(one) for name, one in _object(value).items()}


def _truth(value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not true or false")
    return value


def _reading(value: JsonValue) -> float:
    """JSON has no NaN: a chart that stands nowhere yet is written as null."""
    return math.nan if value is None else _number(value)


def _number(value: JsonValue) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no number")
    return float(value)
