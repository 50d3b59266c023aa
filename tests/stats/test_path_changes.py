"""New and lost paths, types and categories, in the words of wire contracts."""

import json

import pytest

from contractcheck.stats.intervals import clopper_pearson
from contractcheck.stats.outputs import Output, expand_outputs
from contractcheck.stats.samples import CaseSample


def changes(*cases, kind="json"):
    samples = [
        CaseSample(
            case=name,
            baseline={"a": [one if isinstance(one, str) else json.dumps(one) for one in old]},
            candidate={"a": [one if isinstance(one, str) else json.dumps(one) for one in new]},
        )
        for name, old, new in cases
    ]
    return expand_outputs(samples, [Output(metric="a", kind=kind)]).changes


@pytest.mark.parametrize(
    ("old", "new", "path", "what", "severity"),
    [
        ({"x": 1}, {"x": 1, "y": 1}, "$.y", "new path", "additive"),
        ({"x": 1, "y": 1}, {"x": 1}, "$.y", "path gone", "breaking"),
        ({"x": 1}, {"x": "1"}, "$.x", "new type: string", "breaking"),
        ({"x": 1}, {"x": None}, "$.x", "can be null now", "breaking"),
        ({"x": [1]}, {"x": [None]}, "$.x[*]", "can be null now", "breaking"),
        ({"x": 1}, "so: 1", "$", "not always JSON now", "breaking"),
        ({"x": 1}, '```\n{"x": 1}\n```', "$", "new type: fenced object", "breaking"),
        ([{"k": 1}], [{"k": 1}, {}], "$[*].k", "not always there now", "breaking"),
        ({"x": "a"}, {"x": "b"}, "$.x", "new value: b", "additive"),
    ],
)
def test_what_is_new_or_lost_is_classed(old, new, path, what, severity):
    (found,) = changes(("c", [old] * 4, [new] * 4))
    assert (found.path, found.what, found.severity) == (path, what, severity)
    gone = what == "path gone"
    assert (found.baseline.count, found.candidate.count) == ((4, 0) if gone else (0, 4))
    assert found.cases == ("c",)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([{"x": 1}], [{"x": 1.0}]),
        ([{"x": None}, {"x": 1}], [{"x": 1}, {"x": 1}]),
        ([{}, {"x": 1}], [{"x": 1}, {}]),
        ([{"l": []}, {"l": [1]}], [{"l": [2]}, {"l": []}]),
    ],
)
def test_what_the_old_side_had_now_and_then_is_no_news(old, new):
    assert changes(("c", old * 3, new * 3)) == ()


def test_what_lies_below_a_new_or_lost_path_is_told_once():
    old, new = {"a": {"b": {"c": 1}}}, {"n": {"b": {"c": 1}}}
    found = {(change.path, change.what) for change in changes(("c", [old] * 3, [new] * 3))}
    assert found == {("$.a", "path gone"), ("$.n", "new path")}


def test_rates_and_exact_intervals_are_over_the_answers_that_could_have_it():
    old = [{"x": 1}] * 10
    new = [{"x": 1}] * 7 + [{}] * 2 + ["no json"]
    found = {change.path: change for change in changes(("c", old, new))}
    rate = found["$.x"].candidate
    bounds = clopper_pearson(2, 9)
    assert (rate.count, rate.n) == (2, 9)
    assert (rate.low, rate.high) == (bounds.low, bounds.high)
    assert (found["$"].candidate.count, found["$"].candidate.n) == (1, 10)


def test_a_path_of_one_case_is_not_missed_in_the_others():
    assert changes(("a", [{"x": 1}] * 3, [{"x": 1}] * 3), ("b", [{}] * 3, [{}] * 3)) == ()
    (found,) = changes(("a", [{"x": 1}] * 3, [{}] * 3), ("b", [{}] * 3, [{}] * 3))
    assert (found.what, found.baseline.n, found.cases) == ("path gone", 3, ("a",))


def test_breaking_changes_come_first_and_tools_are_told_by_argument():
    def calls(name, arguments):
        return json.dumps([{"name": name, "arguments": arguments}])

    old = [calls("look_up", {"id": "A"})] * 5
    new = [calls("look_up", {"id": None, "why": "x"})] * 3 + [calls("pay", {})] * 2
    found = [(c.path, c.what) for c in changes(("c", old, new), kind="tools")]
    assert found == [
        ("look_up.arguments.id", "can be null now"),
        ("look_up.arguments.why", "new path"),
        ("(sequence)", "new value: pay"),
    ]
