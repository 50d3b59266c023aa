"""A watch tells every incident as the catalogue says it must.

Each is put into the nights after accepted ones and goes the whole way: exchanges, answers,
night statistics, judgement. Nothing in that way knows the catalogue.
"""

import pytest

from contractcheck.incidents import read_catalogue
from contractcheck.incidents.striking import WIRE_CHANGES
from contractcheck.model.judgement import FindingKind, Verdict

CATALOGUE = read_catalogue()
PLAYED = [
    (one.name, wire)
    for one in CATALOGUE.values()
    for wire in one.formats
    if one.name in WIRE_CHANGES
]
WIRES = sorted({wire for _, wire in PLAYED})
RED = {FindingKind.BREACH, FindingKind.IDENTITY, FindingKind.DRIFT}
LOUD = {*RED, FindingKind.SUSPECT, FindingKind.NOTICE}


def of_class(one, *, strongest=False, wires=None):
    """Every incident of a class on each of its wires, or on the first few of them."""
    return [
        pytest.param(name, wire, id=f"{CATALOGUE[name].number}-{name}-{wire}")
        for name, wire in PLAYED
        if wire in CATALOGUE[name].formats[:wires]
        and one in CATALOGUE[name].classes[: 1 if strongest else None]
    ]


def kinds(judgement):
    return {finding.kind for finding in judgement.findings}


@pytest.mark.parametrize(("name", "wire"), of_class("must-fail"))
def test_what_breaks_clients_is_red_on_the_first_night(name, wire, watch_on):
    (judgement,) = watch_on(wire).judge(name, nights=1)
    if CATALOGUE[name].plane == "infra":
        assert judgement.verdict is Verdict.ERROR
        assert "could not measure" in judgement.headline
    else:
        assert judgement.verdict is Verdict.FAIL, judgement.headline
        assert kinds(judgement) & {FindingKind.BREACH, FindingKind.IDENTITY}


@pytest.mark.parametrize(("name", "wire"), of_class("warn", strongest=True))
def test_what_is_only_new_is_told_and_not_red(name, wire, watch_on):
    (judgement,) = watch_on(wire).judge(name, nights=1)
    assert judgement.verdict is not Verdict.FAIL, judgement.headline
    assert not kinds(judgement) & RED
    assert FindingKind.NOTICE in kinds(judgement)


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        one
        for one in of_class("statistical", wires=1)
        if "must-fail" not in CATALOGUE[one.values[0]].classes
    ],
)
def test_what_the_model_says_is_suspect_once_and_drift_twice(name, wire, watch_on):
    first, second = watch_on(wire, is_large=True).judge(name)
    assert kinds(first) & {FindingKind.SUSPECT, FindingKind.BREACH}, first.headline
    assert second.verdict is Verdict.FAIL, second.headline
    assert kinds(second) & {FindingKind.DRIFT, FindingKind.BREACH}


@pytest.mark.parametrize(
    ("name", "wire"), [(name, wire) for name, wire in PLAYED if WIRE_CHANGES[name].before]
)
def test_the_wire_of_before_an_incident_is_no_news(name, wire, watch_on):
    for judgement in watch_on(wire).judge(name, 0.0, nights=1):
        assert judgement.verdict is Verdict.QUIET, judgement.headline
        assert not kinds(judgement) & LOUD


@pytest.mark.parametrize("wire", WIRES)
def test_quiet_nights_are_no_news(wire, watch_on):
    # An incident that strikes nothing is a quiet night, and one that only a model can show too.
    (judgement,) = watch_on(wire).judge("same-seed-other-text", nights=1)
    assert judgement.verdict is Verdict.QUIET, judgement.headline
    assert not kinds(judgement) & LOUD


def test_a_chunk_about_the_prompt_is_red_where_azure_sent_none(watch_on):
    (judgement,) = watch_on("azure").judge("empty-choices-first", nights=1)
    assert judgement.verdict is Verdict.FAIL, judgement.headline
    assert any("prompt_filter_results" in finding.message for finding in judgement.findings)


def test_a_chunk_about_the_prompt_is_no_news_where_azure_always_sent_it(watch_on):
    (judgement,) = watch_on("azure").judge("same-seed-other-text", nights=1)
    assert judgement.verdict is Verdict.QUIET, judgement.headline
