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
    begins = changed_on or NIGHTS[0]
    return [
        Side(night=night, **(usual | (changes if night >= begins else {})))
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


KNOWN = {"one": "c1", "two": "c2"}
EDITED = {"suite": ("1.1.0", "bbb"), "checks": {"one": "other", "two": "c2"}}


@pytest.mark.parametrize(
    ("cases", "is_ours"),
    [(("one",), True), (("two",), False), (("one", "two"), False), ((), True)],
)
def test_an_edited_check_excuses_its_own_case_and_no_other(cases, is_ours):
    nights = [*sides(checks=KNOWN)[:4], *sides(**EDITED)[4:]]
    told = ("the suite (1.0.0 → 1.1.0) on 2026-03-05",) if is_ours else ()
    assert attribute(nights, DATED, "conformance", cases=cases).ours == told
    assert attribute(nights, DATED, "outputs", cases=cases).ours == ()


def test_an_edit_that_touches_no_check_excuses_nothing():
    nights = [*sides(checks=KNOWN)[:4], *sides(checks=KNOWN, suite=("1.1.0", "bbb"))[4:]]
    for cases in [("one",), ()]:
        assert attribute(nights, DATED, "conformance", cases=cases).ours == ()


def test_cases_that_were_edited_one_after_the_other_are_both_excused():
    both = sides(suite=("1.2.0", "ccc"), checks={"one": "other", "two": "other"})
    nights = [*sides(checks=KNOWN)[:4], sides(**EDITED)[4], *both[5:]]
    assert attribute(nights, DATED, "conformance", cases=("one", "two")).ours == (
        "the suite (1.0.0 → 1.1.0) on 2026-03-05",
        "the suite (1.1.0 → 1.2.0) on 2026-03-06",
    )


def test_nights_that_kept_no_checks_are_excused_as_they_always_were():
    nights = [*sides()[:4], *sides(**EDITED)[4:]]
    found = attribute(nights, DATED, "conformance", cases=("two",))
    assert found.ours == ("the suite (1.0.0 → 1.1.0) on 2026-03-05",)


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
