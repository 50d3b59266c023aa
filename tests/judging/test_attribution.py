"""What else changed between the nights that a change lies between."""

from __future__ import annotations

import pytest

from contractcheck.judging.attribution import Side, attribute
from contractcheck.judging.dating import Dated

NIGHTS = tuple(f"2026-03-{day:02d}" for day in range(1, 9))
DATED = Dated(
    since="2026-03-05",
    before="2026-03-04",
    earliest="2026-03-04",
    latest="2026-03-06",
    until_earliest="2026-03-03",
    place=3,
)


def sides(changed_on=None, *, gone=(), **changes):
    """Our side every night, other from one night on."""
    usual = {
        "vantage": {"region": "eu", "runner": "a", "endpoint": "api.example/v1"},
        "parts": {"one": {"messages": "m1"}, "two": {"messages": "m2"}},
        "models": ("gpt",),
        "fingerprints": ("fp_1", "fp_2"),
        "suite": ("1.0.0", "aaa"),
    }
    return [
        Side(night=night, **(usual | (changes if changed_on and night >= changed_on else {})))
        for night in NIGHTS
        if night not in gone
    ]


MOVED = {"vantage": {"region": "us", "runner": "a", "endpoint": "api.example/v1"}}
RUNNER = {"vantage": {"region": "eu", "runner": "b", "endpoint": "api.example/v1"}}
SUITE = {"suite": ("1.1.0", "bbb")}


@pytest.mark.parametrize(
    ("changed_on", "is_ours"),
    [
        ("2026-03-03", False),
        ("2026-03-04", True),
        ("2026-03-06", True),
        ("2026-03-07", False),
    ],
)
def test_only_what_changed_in_the_window_is_named(changed_on, is_ours):
    found = attribute(sides(changed_on, **MOVED), DATED, "outputs")
    assert bool(found.ours) is is_ours
    if is_ours:
        assert found.ours == (f"region eu → us on {changed_on}",)


@pytest.mark.parametrize(
    ("changes", "plane", "is_ours"),
    [
        (MOVED, "outputs", True),
        (MOVED, "conformance", True),
        (RUNNER, "outputs", False),
        (RUNNER, "latency", True),
        (SUITE, "conformance", True),
        (SUITE, "outputs", False),
        (SUITE, "latency", False),
    ],
)
def test_not_everything_of_ours_can_move_everything(changes, plane, is_ours):
    assert bool(attribute(sides("2026-03-05", **changes), DATED, plane).ours) is is_ours


def test_a_request_counts_for_its_own_case():
    parts = {"parts": {"one": {"messages": "other"}, "two": {"messages": "m2"}}}
    changed = sides("2026-03-05", **parts)
    assert attribute(changed, DATED, "outputs", cases=("two",)).ours == ()
    assert attribute(changed, DATED, "outputs", cases=("one",)).ours == (
        "messages of one on 2026-03-05",
    )


def test_an_outage_in_between_leaves_the_nights_around_it():
    changed = sides("2026-03-04", gone=("2026-03-04", "2026-03-05"), **MOVED)
    assert attribute(changed, DATED, "outputs").ours == ("region eu → us on 2026-03-06",)


def test_another_identity_is_told_and_one_more_fingerprint_is_not():
    more = sides("2026-03-05", fingerprints=("fp_2", "fp_3"))
    assert attribute(more, DATED, "outputs").theirs == ()
    other = sides("2026-03-05", models=("gpt-2",), fingerprints=("fp_9",))
    assert attribute(other, DATED, "outputs").theirs == (
        "model gpt → gpt-2 on 2026-03-05",
        "system_fingerprint fp_1, fp_2 → fp_9 on 2026-03-05",
    )


def test_without_any_side_nobody_is_blamed():
    assert attribute([], DATED, "outputs").ours == ()
