"""What varies on an unchanged wire is no news to a watch that has learnt it."""

import pytest

from contractcheck.incidents import vary
from contractcheck.incidents.draft import open_draft
from contractcheck.incidents.variation import OPTIONAL_MEMBERS
from contractcheck.incidents.wire import read_response
from contractcheck.judging import Evidence, judge_run
from contractcheck.measuring import observe
from contractcheck.model.judgement import FindingKind
from contractcheck.providers.answer import read_answer

WIRES = sorted(name for name, members in OPTIONAL_MEMBERS.items() if members and name != "cohere")


def names_in(exchange):
    return set(_names(open_draft(read_response(exchange.response), "").documents))


def _names(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner)


@pytest.mark.parametrize("is_streamed", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("wire", WIRES)
def test_optional_members_come_and_go_and_the_answer_stays(wire, is_streamed, answers_on):
    (one, *_) = answers_on(wire, is_streamed=is_streamed)
    varied = [vary(one, wire_format=wire, key=str(n)) for n in range(60)]
    assert varied[7] == vary(one, wire_format=wire, key="7")
    said = {read_answer(x, wire_provider(wire)).completion.text for x in (one, *varied)}
    assert len(said) == 1
    for name in {
        member.name for member in OPTIONAL_MEMBERS[wire] if member.beside in names_in(one)
    }:
        with_it = sum(name in names_in(exchange) for exchange in varied)
        assert 0 < with_it < 60 or name == "responseId"


def wire_provider(wire):
    return {"openai-chat": "openai", "anthropic-messages": "anthropic"}.get(wire, wire)


@pytest.mark.parametrize("wire", WIRES)
def test_what_varies_is_never_red(wire, watch_on, accept_runs):
    watch = watch_on(wire)
    nights = [observe(watch.varied(night), watch.suite) for night in range(7)]
    evidence = Evidence(suite=watch.suite, run=nights[-1], baseline=accept_runs(watch, nights[:-1]))
    red = {FindingKind.BREACH, FindingKind.IDENTITY, FindingKind.DRIFT}
    assert [f.message for f in judge_run(evidence).findings if f.kind in red] == []
