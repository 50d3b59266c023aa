"""Arguments of a tool call come whole or in pieces, and are kept whatever they are."""

import pytest

from contractcheck.providers.growing_call import GrowingCall


@pytest.mark.parametrize(
    ("text", "given", "arguments", "is_parsed"),
    [
        (['{"a"', ": 1}"], None, {"a": 1}, True),
        ([], {"a": 1}, {"a": 1}, True),
        ([], {}, {}, True),
        (['{"b": 2}'], {}, {"b": 2}, True),
        (['{"b": '], {"a": 1}, '{"b": ', False),
        (["[1]"], None, "[1]", False),
        ([], None, "", False),
    ],
)
def test_pieces_go_before_what_came_whole(text, given, arguments, is_parsed):
    call = GrowingCall(name="look", id="c1", text=text, given=given).finished()
    assert (call.name, call.id) == ("look", "c1")
    assert (call.arguments, call.is_parsed) == (arguments, is_parsed)
