"""Taking something out of the watch: by name, with an owner and a reason, and not for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contractcheck.errors import UsageError
from contractcheck.workflows.exempting import ExemptionRequest, exempt, lift, list_exemptions

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
MUTE = ExemptionRequest(
    kind="mute",
    cases=("greet",),
    metric="text",
    reason="OPS-7: known",
    owner="ada",
    expires="2026-03-20",
    now=NOW,
)
QUARANTINE = replace(MUTE, kind="quarantine", metric=None)


@pytest.fixture
def make(project):
    def make(request):
        suite = project.suite()
        return exempt(project.workspace, suite, suite.targets, request)

    return make


def told(project, kind="mute", today="2026-03-01"):
    found = list_exemptions(project.workspace, [project.suite()], kind=kind, today=today)
    return [(one.exemption.case, one.exemption.metric, one.is_expired) for one in found]


def test_what_was_muted_is_listed_until_and_after_it_expires(make, project):
    (written,) = make(MUTE)
    assert written.exemption.created_at == "2026-03-01T08:00:00+00:00"
    assert written.path.is_file()
    assert told(project) == [("greet", "text", False)]
    assert told(project, today="2026-03-20") == [("greet", "text", False)]
    assert told(project, today="2026-03-21") == [("greet", "text", True)]
    assert told(project, kind="quarantine") == []


def test_one_that_is_dated_ahead_is_listed_as_such(make, project):
    make(replace(MUTE, metric="presence"))
    for today, is_ahead in [("2026-02-27", True), ("2026-03-01", False)]:
        (one,) = list_exemptions(project.workspace, [project.suite()], kind="mute", today=today)
        assert one.is_ahead is is_ahead
        assert one.exemption.metric == "presence"


def test_muting_again_renews(make, project):
    make(MUTE)
    make(replace(MUTE, expires="2026-04-20"))
    (one,) = list_exemptions(project.workspace, [project.suite()], kind="mute", today="2026-04-01")
    assert (one.exemption.expires, one.is_expired) == ("2026-04-20", False)


def test_several_cases_are_exempt_together(make, project):
    make(replace(MUTE, cases=("greet", "part")))
    assert told(project) == [("greet", "text", False), ("part", "text", False)]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (replace(MUTE, reason=" "), "--reason is empty"),
        (replace(MUTE, owner=""), "--owner is empty"),
        (replace(MUTE, cases=("gone",)), "no case 'gone' in hello; there are: greet, part"),
        (replace(MUTE, metric="txt"), "nothing in hello is called 'txt'; there are: "),
        (replace(MUTE, cases=("part",), metric="output_tokens"), "is called 'output_tokens'"),
        (replace(MUTE, expires=""), "--expires '' is not a date such as"),
        (replace(MUTE, expires="20260320"), "--expires '20260320' is not written as"),
        (replace(MUTE, expires="2026-02-28"), "--expires 2026-02-28 is past"),
        (replace(MUTE, expires="2026-06-02"), "for 92 days at most, until 2026-06-01"),
        (replace(MUTE, cases=(), metric=None), "a whole suite is muted for 14 days at most"),
        (replace(QUARANTINE, cases=()), "name the cases to quarantine"),
        (replace(QUARANTINE, cases=("greet", "part")), "no case of hello × openai:gpt-sim-mini"),
    ],
)
def test_what_is_refused_changes_nothing(make, project, request_, words):
    make(MUTE)
    before = project.cassettes()
    with pytest.raises(UsageError) as refused:
        make(request_)
    assert words in str(refused.value)
    assert project.cassettes() == before


def test_every_problem_is_told_at_once(make):
    with pytest.raises(UsageError) as refused:
        make(replace(MUTE, owner="", cases=("gone",), expires="soon"))
    assert all(word in str(refused.value) for word in ("--owner", "'gone'", "--expires"))


@pytest.mark.parametrize(
    "request_",
    [
        replace(MUTE, expires="2026-06-01"),
        replace(MUTE, expires="2026-03-01"),
        replace(MUTE, cases=()),
        replace(MUTE, cases=(), metric=None, expires="2026-03-15"),
        replace(MUTE, metric="ttft_s"),
        replace(MUTE, metric="wire body usage.extra"),
        QUARANTINE,
    ],
)
def test_what_is_allowed(make, project, request_):
    (written,) = make(request_)
    assert told(project, kind=request_.kind)
    assert written.exemption.reason == "OPS-7: known"


def test_cases_can_only_be_quarantined_one_after_the_other_while_one_is_left(make):
    make(QUARANTINE)
    with pytest.raises(UsageError, match="would be left in the charts"):
        make(replace(QUARANTINE, cases=("part",)))
    later = datetime(2026, 3, 21, tzinfo=UTC)
    assert make(replace(QUARANTINE, cases=("part",), now=later, expires="2026-04-20"))


def test_lifting_takes_back_exactly_what_is_named(make, project):
    make(MUTE)
    suite = project.suite()
    place = (project.workspace, suite, suite.targets)
    with pytest.raises(UsageError, match="no mute of greet in hello"):
        lift(*place, kind="mute", cases=["greet"])
    with pytest.raises(UsageError, match="no quarantine of greet in hello"):
        lift(*place, kind="quarantine", cases=["greet"])
    assert lift(*place, kind="mute", cases=["greet"], metric="text") == 1
    assert told(project) == []


def test_accepting_a_night_leaves_exemptions_alone(make, project):
    (written,) = make(MUTE)
    before = written.path.read_bytes()
    project.accept(project.record(1))
    assert written.path.read_bytes() == before
