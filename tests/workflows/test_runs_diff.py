"""What differs between two runs, and where."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.cassettes import read_run
from contractcheck.model.json_text import canonical_json
from contractcheck.simulator.aws_events import encode_event
from contractcheck.workflows.json_difference import json_differences
from contractcheck.workflows.runs_answer import assemble_answer
from contractcheck.workflows.runs_diff import diff_runs


def told(differences):
    return [(one.where, one.old, one.new) for one in differences]


def change(run, index, **changes):
    exchanges = list(run.exchanges)
    exchanges[index] = replace(exchanges[index], **changes)
    return replace(run, exchanges=tuple(exchanges))


def change_response(run, index, **changes):
    return change(run, index, response=replace(run.exchanges[index].response, **changes))


@pytest.fixture
def run(project):
    return read_run(project.record(1))


def test_a_run_does_not_differ_from_itself(run):
    found = diff_runs(run, run, bodies=True)
    assert found.is_empty
    assert found.compared == len(run.exchanges) == 6


def test_times_id_and_night_are_not_compared(run):
    header = replace(run.header, id="20990101t000000z-b", night="2099-01-01", started_at="x")
    later = replace(
        run,
        header=header,
        exchanges=tuple(replace(x, end_us=x.end_us + 9, lag_us=5) for x in run.exchanges),
    )
    assert diff_runs(run, later).is_empty


def test_what_is_ours_is_compared(run):
    header = run.header
    plan = header.cases["greet"]
    other = replace(
        header,
        suite_version="1.1.0",
        vantage={**header.vantage, "region": "eu-1"},
        cases={
            **header.cases,
            "greet": replace(plan, samples=4, parts={**plan.parts, "messages": "other"}),
        },
    )
    found = diff_runs(run, replace(run, header=other))
    assert told(found.header) == [
        ("header.suite_version", '"1.0.0"', '"1.1.0"'),
        ("header.vantage.region", json.dumps(header.vantage["region"]), '"eu-1"'),
        ("header.cases.greet.samples", "3", "4"),
        ("header.cases.greet.parts.messages", json.dumps(plan.parts["messages"]), '"other"'),
    ]


def test_a_changed_request_is_told_field_by_field_and_once(run):
    body = json.loads(run.exchanges[0].request.body)
    changed = json.dumps({**body, "temperature": 0.5, "messages": []}).encode()
    request = replace(run.exchanges[0].request, body=changed, digest="other")
    greet = [x for x in run.exchanges if x.case == "greet"]
    others = [x for x in run.exchanges if x.case != "greet"]
    new = replace(run, exchanges=(*(replace(x, request=request) for x in greet), *others))
    found = diff_runs(run, new)
    assert told(found.requests) == [
        ("greet: $.messages[0]", canonical_json(body["messages"][0]), None),
        ("greet: $.temperature", None, "0.5"),
    ]
    assert found.exchanges == ()
    assert found.compared == 6


def test_what_one_side_lacks_is_named(run):
    fewer = replace(run, exchanges=run.exchanges[1:])
    assert told(diff_runs(run, fewer).exchanges) == [("greet: trial 0", "200, eof", None)]
    assert told(diff_runs(fewer, run).exchanges) == [("greet: trial 0", None, "200, eof")]


def test_another_outcome_is_told(run):
    limited = change_response(run, 1, status=429)
    assert told(diff_runs(run, limited).exchanges) == [("greet: trial 1", "200, eof", "429, eof")]
    broken = change(run, 1, response=None, ended="error", error="ConnectError")
    first = told(diff_runs(run, broken).exchanges)[0]
    assert first == ("greet: trial 1", "200, eof", "no response, error, ConnectError")


def test_bodies_are_told_by_digest_and_on_demand_in_full(run):
    old = change_response(run, 0, body=b'{"a": 1, "b": [1, 2]}')
    new = change_response(run, 0, body=b'{"a": 2, "b": [1]}')
    (short,) = diff_runs(old, new).exchanges
    assert short.where == "greet: trial 0: body"
    assert (short.old.endswith("(21 bytes)"), short.new.endswith("(18 bytes)")) == (True, True)
    assert told(diff_runs(old, new, bodies=True).exchanges[1:]) == [
        ("greet: trial 0: body $.a", "1", "2"),
        ("greet: trial 0: body $.b[1]", "2", None),
    ]


def test_bodies_that_are_no_json_are_compared_by_line(run):
    old = change_response(run, 0, body=b"data: 1\n\ndata: 2\n")
    new = change_response(run, 0, body=b"data: 1\n\ndata: 3\n")
    assert told(diff_runs(old, new, bodies=True).exchanges[1:]) == [
        ("greet: trial 0: body", "data: 2", None),
        ("greet: trial 0: body", None, "data: 3"),
    ]


def test_of_streams_the_answers_are_compared(run):
    """The exchanges of the simulator, which streams; nothing is told of events and ids."""
    new = change_answer(run, 0, "Good morning.")
    told_of = told(diff_runs(run, new, bodies=True).exchanges)
    assert [where for where, _, _ in told_of] == [
        "greet: trial 0: body",
        "greet: trial 0: text",
        "greet: trial 0: text",
    ]
    assert told_of[1][1] == text_of(run, 0)
    assert told_of[2][2] == "Good morning."


def text_of(run, index):
    return assemble_answer(run.exchanges[index], run.header.target).text


def change_answer(run, index, text):
    """The same stream, with all of the text in its first event that has some."""
    lines = []
    for line in run.exchanges[index].response.body.split(b"\n"):
        data = json.loads(line[6:]) if line.startswith(b"data: {") else {}
        for choice in data.get("choices", []):
            if choice["delta"].get("content"):
                choice["delta"]["content"], text = text, ""
        lines.append(b"data: " + json.dumps(data).encode() if data else line)
    return change_response(run, index, body=b"\n".join(lines))


def test_of_binary_streams_too(run):
    def saying(text):
        events = {
            "messageStart": {"role": "assistant"},
            "contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": text}},
            "messageStop": {"stopReason": "end_turn"},
            "metadata": {"usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9}},
        }
        frames = [encode_event(kind, json.dumps(told).encode()) for kind, told in events.items()]
        headers = (("content-type", "application/vnd.amazon.eventstream"),)
        spoken = change_response(run, 0, body=b"".join(frames), headers=headers)
        target = replace(run.header.target, provider="bedrock")
        return replace(spoken, header=replace(run.header, target=target))

    found = told(diff_runs(saying("Good morning."), saying("Good evening."), bodies=True).exchanges)
    assert found[1:] == [
        ("greet: trial 0: text", "Good morning.", None),
        ("greet: trial 0: text", None, "Good evening."),
    ]


def test_streams_with_equal_answers_are_compared_by_line(run):
    body = run.exchanges[0].response.body
    new = change_response(run, 0, body=body.replace(b'"id":"', b'"id":"x', 1))
    changed = told(diff_runs(run, new, bodies=True).exchanges[1:])
    assert [(where, bool(old), bool(new)) for where, old, new in changed] == [
        ("greet: trial 0: body", True, False),
        ("greet: trial 0: body", False, True),
    ]


@pytest.mark.parametrize("place", [b'"model":"', b'"system_fingerprint":"'])
def test_what_stands_beside_the_text_is_compared_too(run, place):
    body = run.exchanges[0].response.body
    new = change_response(run, 0, body=body.replace(place, place + b"x"))
    (told_of,) = told(diff_runs(run, new, bodies=True).exchanges[1:])
    assert told_of[0] == f"greet: trial 0: answer $.{place.decode()[1:-3]}"
    assert told_of[2] == f'"x{told_of[1][1:]}'


def test_compressed_bodies_are_compared_decoded(run):
    def packed(body):
        headers = (("content-type", "application/json"), ("content-encoding", "gzip"))
        return change_response(run, 0, body=gzip.compress(body), headers=headers)

    found = diff_runs(packed(b'{"a": 1}'), packed(b'{"a": 2}'), bodies=True).exchanges
    assert told(found[1:]) == [("greet: trial 0: body $.a", "1", "2")]


def test_bodies_that_are_no_text_are_compared_by_digest_alone(run):
    new = change_response(run, 0, body=b"\xff\xfe")
    assert len(diff_runs(run, new, bodies=True).exchanges) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=json_values)
def test_a_value_does_not_differ_from_itself(value):
    assert list(json_differences(value, value)) == []


@given(old=json_values, new=json_values)
def test_values_differ_exactly_when_something_is_told(old, new):
    found = list(json_differences(old, new))
    assert bool(found) == (json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True))
    mirrored = list(json_differences(new, old))
    assert {(x.where, x.old, x.new) for x in found} == {(x.where, x.new, x.old) for x in mirrored}
    assert len({x.where for x in found}) == len(found)
