"""The catalogue is data that people, tests and documentation can rely on."""

import re
from pathlib import Path

import pytest

from contractcheck.errors import UsageError
from contractcheck.incidents import read_catalogue
from contractcheck.incidents.catalogue import find_incident
from contractcheck.incidents.striking import WIRE_CHANGES
from contractcheck.simulator.server import DIALECTS

PAGE = Path(__file__).parents[2] / "docs/reference/incidents.md"
INCIDENTS = list(read_catalogue().values())


def test_the_incidents_are_numbered_without_gaps_and_named_once():
    assert [one.number for one in INCIDENTS] == list(range(1, 35))
    assert len(read_catalogue()) == 34
    for one in INCIDENTS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.name)


@pytest.mark.parametrize("one", INCIDENTS, ids=lambda one: one.name)
def test_an_incident_says_when_where_and_who_reported_it(one):
    day = r"\d{4}-\d{2}(-\d{2})?"
    assert re.fullmatch(rf"{day}(, {day})?", one.date)
    assert one.evidence
    assert one.summary.endswith(".")
    assert 0.0 < one.share <= 1.0
    assert one.classes
    assert set(one.classes) <= {"must-fail", "warn", "statistical", "null"}
    assert set(one.formats) <= {wire.FORMAT for wire in DIALECTS} | {"openai-embeddings"}


def test_what_is_shown_on_a_wire_can_be_played_and_nothing_else():
    shown = {one.name for one in INCIDENTS if one.shown_in in {"answer", "text", "refusal"}}
    assert set(WIRE_CHANGES) == shown
    assert {one.name for one in INCIDENTS if not one.is_playable} == {"client-bypasses-recorder"}


def test_a_misspelt_incident_is_told_the_nearest():
    with pytest.raises(UsageError) as caught:
        find_incident("vertex-evnt")
    assert str(caught.value) == (
        "the catalogue has no incident 'vertex-evnt'; did you mean 'vertex-event'?"
    )
    with pytest.raises(UsageError, match="it has refusal-null-added, audio"):
        find_incident("xyzzy")


def catalogue_table():
    rows = [
        f"| {one.number} | {one.date} | `{one.name}` | {', '.join(one.formats) or 'none'} "
        f"| {one.summary} | {', '.join(one.evidence)} | {', '.join(one.classes)} | {one.share:g} |"
        for one in INCIDENTS
    ]
    head = "| # | date | name | wire formats | what changed | reported in | owed | share |"
    return "\n".join([head, "|---|---|---|---|---|---|---|---|", *rows])


def test_the_page_shows_the_catalogue():
    written = PAGE.read_text().split("<!-- catalogue:begin -->\n")[1]
    shown = written.split("<!-- catalogue:end -->")[0].strip()
    assert shown == catalogue_table(), f"put this into {PAGE.name}:\n{catalogue_table()}"
