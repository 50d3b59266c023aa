"""What a program that hands tools to a model relies on."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.checks import CHECKS, run_check
from contractcheck.model.completion import Completion, Outcome, ToolCall
from contractcheck.model.suite import CheckMode, CheckSpec, Parameters, Tool

ORDER = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
TOOLS = tuple(Tool(name=name, description="", parameters=ORDER) for name in ("look_up", "cancel"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """The part of a case that checks look at."""

    response_schema: object = None
    tools: tuple[Tool, ...] = TOOLS
    parameters: Parameters = field(default_factory=Parameters)


def call(name="look_up", arguments=None, *, is_parsed=True, call_id=None):
    given_arguments = {"id": "A-1"} if arguments is None else arguments
    return ToolCall(name=name, arguments=given_arguments, is_parsed=is_parsed, id=call_id)


def outcome(name, argument, calls, offered=Offered()):
    spec = CheckSpec(name=name, argument=argument, mode=CheckMode.NO_WORSE, rate=None, label=name)
    answer = Completion(outcome=Outcome.ANSWERED, tool_calls=tuple(calls))
    result = run_check(spec, answer, offered)
    return result.passed, result.detail


PASSED = (True, "")


@pytest.mark.parametrize(
    ("calls", "detail"),
    [
        ([], ""),
        ([call(), call("cancel", [])], ""),
        ([call("lookup")], "calls 'lookup', which was not offered"),
        ([call(), call("")], "calls '', which was not offered"),
    ],
)
def test_known_tools(calls, detail):
    assert outcome("known_tools", None, calls) == (not detail, detail)


@pytest.mark.parametrize(
    ("calls", "detail"),
    [
        ([], ""),
        ([call(), call("cancel", {"id": "x"})], ""),
        ([call("made_up", [])], ""),
        ([call(arguments="{", is_parsed=False)], "arguments of look_up are not JSON: '{'"),
        ([call(), call("cancel", {})], "arguments of cancel: $: 'id' is a required property"),
        ([call(arguments={"id": 7})], "arguments of look_up: $.id: '7' breaks type: '\"string\"'"),
    ],
)
def test_valid_arguments(calls, detail):
    assert outcome("valid_arguments", None, calls) == (not detail, detail)


NINE = "[A-Za-z0-9]{9}"


@pytest.mark.parametrize(
    ("pattern", "ids", "detail"),
    [
        (NINE, [], ""),
        (NINE, ["D681PevKs", "9Rb7x0aLw"], ""),
        (NINE, ["call_9Rb7x0aLw"], f"'{NINE}' does not match the id 'call_9Rb7x0aLw'"),
        (NINE, ["D681PevKs\n"], f"'{NINE}' does not match the id 'D681PevKs\\n'"),
        (NINE, [None], "a call has no id"),
        (NINE, [""], "a call has no id"),
        ("a|b", ["b"], ""),
        ("a|b", ["bc"], "'a|b' does not match the id 'bc'"),
        (".{1,40}", ["x" * 40], ""),
        (".{1,40}", ["x" * 41], f"'.{{1,40}}' does not match the id '{'x' * 41}'"),
        (".+", ["x", "y", "x"], "two calls have the id 'x'"),
    ],
)
def test_tool_call_ids(pattern, ids, detail):
    calls = [call(call_id=name) for name in ids]
    assert outcome("tool_call_ids", pattern, calls) == (not detail, detail)


@pytest.mark.parametrize(
    ("asked", "passing"),
    [("1", [1]), ("0", [0]), ("0..2", [0, 1, 2]), ("1..", [1, 2, 3]), ("2..2", [2]), ("0..0", [0])],
)
def test_tool_call_count(asked, passing):
    found = [count for count in range(4) if outcome("tool_call_count", asked, [call()] * count)[0]]
    assert found == passing


def test_tool_call_count_says_what_came():
    expected = (False, "expected 1 calls, got 2: 'look_up', 'cancel'")
    assert outcome("tool_call_count", "1", [call(), call("cancel")]) == expected
    assert outcome("tool_call_count", "1..", [])[1] == "expected 1.. calls, got 0: no tool call"


@pytest.mark.parametrize(
    ("choice", "called", "detail"),
    [
        ("required", ["look_up", "cancel"], ""),
        ("required", [], "tool_choice 'required' was asked for, got no tool call"),
        ("cancel", ["cancel", "cancel"], ""),
        ("cancel", [], "tool_choice 'cancel' was asked for, got no tool call"),
        ("cancel", ["cancel", "look_up"], "only 'cancel' may be called, got 'cancel', 'look_up'"),
        ("none", [], ""),
        ("none", ["look_up"], "no tool may be called, got 'look_up'"),
    ],
)
def test_tool_choice(choice, called, detail):
    offered = Offered(parameters=Parameters(tool_choice=choice))
    calls = [call(name) for name in called]
    assert outcome("tool_choice", None, calls, offered) == (not detail, detail)


@pytest.mark.parametrize(
    ("name", "argument", "offered", "words"),
    [
        ("known_tools", None, Offered(tools=()), "needs a case with tools"),
        ("valid_arguments", None, Offered(tools=()), "needs a case with tools"),
        ("tool_call_count", 1, Offered(tools=()), "needs a case with tools"),
        ("tool_call_count", "two", None, "'two' is no number of calls: write 1, 0..2 or 1.."),
        ("tool_call_count", -1, None, "'-1' is no number of calls: write 1, 0..2 or 1.."),
        ("tool_call_count", "3..1", None, "'3..1' holds no number: the smaller one comes first"),
        ("tool_call_count", True, None, "takes a whole number, or a range such as 0..2 or 1.."),
        ("tool_call_count", 1.5, None, "takes a whole number, or a range such as 0..2 or 1.."),
        ("tool_call_count", None, None, "takes a whole number, or a range such as 0..2 or 1.."),
        ("tool_call_ids", "(?=a)", None, "is not an RE2 pattern"),
        ("tool_choice", None, Offered(), "a case whose tool_choice is none, required"),
        ("tool_choice", None, Offered(parameters=Parameters(tool_choice="auto")), "whose tool_choice"),
    ],
)  # fmt: skip
def test_arguments_are_refused(name, argument, offered, words):
    assert words in CHECKS[name].problem_with(argument, offered)


@pytest.mark.parametrize("name", ["known_tools", "valid_arguments", "tool_choice"])
def test_nothing_is_refused_before_the_case_is_known(name):
    assert CHECKS[name].problem_with(None, None) is None


@pytest.mark.parametrize("argument", [1, 0, "1", "0..2", "1.."])
def test_counts_may_be_written_as_numbers_or_texts(argument):
    assert CHECKS["tool_call_count"].problem_with(argument, Offered()) is None


CALLS = st.lists(
    st.builds(
        call,
        st.sampled_from(["look_up", "cancel", "", "rm\x1b"]),
        st.none() | st.text(max_size=5) | st.dictionaries(st.text(max_size=3), st.none()),
        is_parsed=st.booleans(),
        call_id=st.none() | st.text(max_size=12),
    ),
    max_size=4,
)


@given(CALLS)
def test_no_answer_makes_a_check_raise(calls):
    offered = Offered(parameters=Parameters(tool_choice="cancel"))
    for name, argument in [
        ("known_tools", None), ("valid_arguments", None), ("tool_choice", None),
        ("tool_call_ids", NINE), ("tool_call_count", "1..2"), ("conforms", None),
    ]:  # fmt: skip
        passed, detail = outcome(name, argument, calls, offered)
        assert passed == (not detail)
        assert detail.isprintable()
