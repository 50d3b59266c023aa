"""What lies in version control comes back as it was, in every format that ever lay there."""

import base64
import shutil
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.errors import RecordingError
from contractcheck.model.night import (
    CaseNight,
    LabelCell,
    NightStatistics,
    NumberCell,
    RateCell,
    TextCell,
)
from contractcheck.model.target import Target
from contractcheck.model.wire_shape import PlaceShape, WireShape
from contractcheck.store import BaselineStore, stored_form
from contractcheck.store.night_format import decode_night, encode_night

FORMATS = Path(__file__).parent / "formats"
TARGET = Target(provider="openai", model="gpt-sim-mini-2026-03-01")
SUITE = "support-triage"
COUNTS = st.integers(0, 10**6)
NAMES = st.text(max_size=6).filter(lambda text: text.isprintable())
VALUES = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-99, 99).map(float)
HALVES = st.lists(st.floats(-1, 1, width=16), min_size=1, max_size=5).map(tuple)
CELLS = st.one_of(
    st.builds(LabelCell, counts=st.dictionaries(NAMES, COUNTS, max_size=3)),
    st.builds(
        NumberCell,
        values=st.lists(VALUES, max_size=4).map(lambda values: tuple(sorted(values))),
        missing=COUNTS,
    ),
    st.builds(RateCell, passed=COUNTS, count=COUNTS),
    st.builds(
        TextCell,
        count=COUNTS,
        mean=HALVES,
        effective_dimension=st.integers(1000, 10**6).map(lambda number: number / 1000),
    ),
)
PLACES = st.sampled_from(
    [
        *("body", "body a", "body a.b", "body a.b.c.d", "body a[*]", "body a[*].b", "body d.e"),
        *("body a[*]<k>", "body a[*]<k>.b", "header x-id", "response.done", "response.done a"),
        *("(text)", "body (text)", "body a.(text)"),
    ]
)
FEW = st.integers(1, 3)
WIRES = st.builds(
    WireShape,
    format=NAMES,
    exchanges=COUNTS,
    places=st.dictionaries(
        PLACES,
        st.builds(
            PlaceShape,
            came=FEW,
            lacked=st.integers(0, 1),
            types=st.dictionaries(st.sampled_from(["string", "null", "empty array"]), FEW),
            values=st.dictionaries(NAMES, FEW, max_size=1),
            forms=st.dictionaries(NAMES, FEW, max_size=1),
        ),
    ).map(lambda places: dict(sorted(places.items()))),
)
NIGHTS = st.builds(
    NightStatistics,
    night=st.dates().map(str),
    run_id=st.just("20260101t000000z-a"),
    is_complete=st.booleans(),
    cases=st.dictionaries(
        NAMES,
        st.builds(
            CaseNight,
            request_fingerprint=NAMES,
            answered=COUNTS,
            planned=COUNTS,
            cells=st.dictionaries(NAMES, CELLS, max_size=3),
        ),
        max_size=2,
    ),
    models=st.lists(NAMES, max_size=2).map(tuple),
    fingerprints=st.lists(NAMES, max_size=2).map(tuple),
    wire=st.none() | WIRES,
)


@settings(max_examples=60)
@given(NIGHTS)
def test_any_night_comes_back_from_its_json(night):
    data = encode_night(night)
    assert decode_night(orjson.loads(data), "place") == night
    assert encode_night(decode_night(orjson.loads(data), "place")) == data


@settings(max_examples=60)
@given(NIGHTS)
def test_the_form_in_which_a_night_is_stored_is_the_one_that_is_read(night):
    document = orjson.loads(encode_night(night))
    assert stored_form(night) == decode_night(document, "place")
    assert stored_form(stored_form(night)) == stored_form(night)


@settings(max_examples=60)
@given(NIGHTS)
def test_every_line_of_a_night_is_one_case_or_one_cell(night):
    lines = encode_night(replace(night, wire=None)).splitlines()
    cells = sum(len(one.cells) for one in night.cases.values())
    assert len(lines) == 1 + len(night.cases) + cells


SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | NAMES
STRANGE = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200)
@given(NIGHTS, STRANGE, st.data())
def test_a_night_in_which_anything_was_replaced_is_read_or_named(night, strange, data):
    document = orjson.loads(encode_night(night))
    place = document
    while isinstance(place, dict) and place:
        key = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or data.draw(st.booleans()):
            place[key] = strange
            break
        place = place[key]
    try:
        read = decode_night(document, "nights/x.json")
    except RecordingError as error:
        message = str(error)
    else:
        message = "nights/x.json: "
        assert decode_night(orjson.loads(encode_night(read)), "again") == read
    assert message.startswith("nights/x.json: ")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ({"numbers": ["nan"], "missing": 0}, "expected a number, got 'nan'"),
        ({"numbers": [1.5], "missing": -1}, "expected a count, got -1"),
        ({"passed": 1, "count": 1.5}, "expected a count, got 1.5"),
        ({"labels": {"a": "many"}}, "expected a count, got 'many'"),
        ({"texts": 1, "mean": "AA", "effective_dimension": 1}, "Incorrect padding"),
        ({"texts": 1, "mean": "AAAA", "effective_dimension": 1}, "buffer size must be"),
    ],
)
def test_a_cell_that_makes_no_sense_is_named(cell, words):
    case = {"request_fingerprint": "", "answered": 1, "planned": 1, "cells": {"x": cell}}
    document = {"format": 2, "night": "n", "run": "r", "is_complete": True, "cases": {"a": case}}
    with pytest.raises(RecordingError) as refused:
        decode_night(document | {"models": [], "fingerprints": []}, "nights/x.json")
    assert str(refused.value).startswith("nights/x.json: damaged (")
    assert words in str(refused.value)


@pytest.mark.parametrize("half", [b"\x00\x7c", b"\x00\xfc", b"\x00\x7e"])
def test_a_vector_that_is_not_finite_is_named(half):
    cell = {"texts": 1, "effective_dimension": 1.0, "mean": base64.b64encode(half).decode()}
    case = {"request_fingerprint": "", "answered": 1, "planned": 1, "cells": {"text": cell}}
    document = {"format": 2, "night": "n", "run": "r", "is_complete": True, "cases": {"a": case}}
    with pytest.raises(RecordingError, match="the mean of a text is not finite"):
        decode_night(document | {"models": [], "fingerprints": []}, "x")


def test_a_negative_zero_keeps_its_sign():
    cell = NumberCell(values=(-0.0, 0.0, 2.0**60))
    night = NightStatistics(
        night="2026-01-01",
        run_id="r",
        is_complete=True,
        cases={"a": CaseNight(request_fingerprint="", answered=1, planned=1, cells={"n": cell})},
    )
    data = encode_night(night)
    assert b"[-0.0,0,1.152921504606847e+18]" in data
    assert str(stored_form(night).cases["a"].cells["n"]) == str(cell)


def test_a_night_of_a_newer_format_is_named():
    with pytest.raises(RecordingError) as refused:
        decode_night({"format": 3}, "nights/x.json")
    assert str(refused.value) == (
        "nights/x.json: format 3; this version reads up to 2: upgrade contractcheck"
    )


@pytest.mark.parametrize("version", ["format-1", "format-2"])
def test_every_released_format_says_the_same(version):
    read = BaselineStore(FORMATS / version).read(SUITE, TARGET)
    first, second = read.nights
    assert (first.statistics.night, second.statistics.night) == ("2026-03-01", "2026-03-02")
    assert read == BaselineStore(FORMATS / "format-1").read(SUITE, TARGET)
    document = orjson.loads(
        (FORMATS / "format-1" / SUITE / TARGET.folder / "nights/2026-03-01.json").read_bytes()
    )
    for name, case in document["cases"].items():
        seen = first.statistics.cases[name]
        assert seen.request_fingerprint == case["request_fingerprint"]
        for label, cell in case["cells"].items():
            if "numbers" in cell:
                assert seen.cells[label].values == tuple(cell["numbers"])
            if "labels" in cell:
                assert seen.cells[label].counts == cell["labels"]


def test_accepting_on_top_of_an_old_format_rewrites_no_accepted_night(tmp_path):
    shutil.copytree(FORMATS / "format-1", tmp_path / "cassettes")
    store = BaselineStore(tmp_path / "cassettes")
    read = store.read(SUITE, TARGET)
    nights = store.folder(SUITE, TARGET) / "nights"
    before = {path.name: path.read_bytes() for path in nights.iterdir()}
    store.write(read, None)
    assert {path.name: path.read_bytes() for path in nights.iterdir()} == before
    assert store.read(SUITE, TARGET) == read
    document = orjson.loads((nights.parent / "baseline.json").read_bytes())
    assert document["format"] == 2
    assert len(document["parts"]) == 1


def test_the_night_that_the_documentation_shows_is_written_like_this():
    page = (Path(__file__).parents[2] / "docs/reference/storage.md").read_text()
    shown = page.split("```json\n")[1].split("```")[0]
    assert encode_night(decode_night(orjson.loads(shown), "storage.md")).decode() == shown
