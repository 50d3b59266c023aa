"""JSON answers and tool calls, taken apart by path."""

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.json_paths import MAX_DEPTH, MAX_NODES, read_tree
from contractcheck.stats.outputs import Output, compare_outputs, expand_outputs
from contractcheck.stats.samples import CaseSample
from contractcheck.stats.structured import MAX_PATHS, expand_structured, expand_tool_calls

ANSWER = [Output(metric="answer", kind="json")]


def expand(*documents, metric="a"):
    return expand_structured(metric, [None if d is None else json.dumps(d) for d in documents])


def kinds(expansion):
    return {stream.metric: stream.kind for stream in expansion.streams}


def sample(name, old, new, metric="answer"):
    def texts(side):
        return [x if isinstance(x, str) else json.dumps(x) for x in side]

    return CaseSample(case=name, baseline={metric: texts(old)}, candidate={metric: texts(new)})


def test_each_path_has_streams_of_its_kinds():
    documents = [
        {
            "priority": "high" if i % 2 else "low",
            "cost": 1.5 * i,
            "note": f"a text of its own, number {i}",
            "items": [{"sku": "AB"[i % 2]}] * (i % 3),
            "same": {"x": 1},
        }
        for i in range(8)
    ]
    expansion = expand(*documents)
    assert kinds(expansion) == {
        "a $.priority": "label",
        "a $.cost": "number",
        "a $.note": "text",
        "a $.items (length)": "number",
        "a $.items[*].sku": "label",
    }
    assert expansion.columns["a $.items (length)"] == [float(i % 3) for i in range(8)]
    assert expansion.columns["a $.items[*].sku"][2] == "A, A"
    assert expansion.columns["a $.items[*].sku"][0] is None
    assert not expansion.notes


def test_presence_null_and_types_are_one_stream_of_types():
    expansion = expand({"x": "a"}, {"x": None}, {}, {"x": 3}, {"x": True}, {"x": [1]})
    assert expansion.types["$.x"] == ["string", "null", "absent", "number", "boolean", "array"]
    assert "a $.x (type)" in kinds(expansion)


def test_elements_that_lack_a_key_are_partly_absent():
    expansion = expand({"l": [{"k": 1}, {}]}, {"l": [{"k": 1}]}, {"l": []})
    assert expansion.types["$.l[*].k"] == ["absent|number", "number", None]


def test_what_is_not_json_is_a_type_of_the_root():
    expansion = expand_structured("a", ['{"x": 1}', "sorry", '```json\n{"x": 2}\n```', "", None])
    assert expansion.types["$"] == ["object", "not json", "fenced object", "not json", None]
    assert expansion.columns["a $.x"] == [1.0, None, 2.0, None, None]
    assert kinds(expansion)["a $ (type)"] == "label"


def test_a_text_is_a_category_when_values_come_back_whatever_their_side():
    few = [{"x": value} for value in ("yes", "no") * 3]
    assert kinds(expand(*few)) == {"a $.x": "label"}
    own = [{"x": f"sentence {i}"} for i in range(6)]
    assert kinds(expand(*own)) == {"a $.x": "text"}
    many = [{"x": f"{i % 30}th"} for i in range(90)]
    assert kinds(expand(*many)) == {"a $.x": "text"}


def test_numbers_and_words_at_one_path_are_two_streams():
    expansion = expand({"x": 1}, {"x": 2}, {"x": "one"}, {"x": "two"}, {"x": "one"}, {"x": "two"})
    assert kinds(expansion)["a $.x"] == "number"
    assert kinds(expansion)["a $.x (words)"] == "label"


def test_what_is_rare_at_any_path_is_one_stream():
    usual = {"x": "a", "y": 1}
    documents = [usual] * 28 + [{"x": "b", "y": 1}, {"x": "a", "y": None}]
    expansion = expand(*documents)
    assert expansion.columns["a (unusual)"] == ["usual"] * 28 + ["unusual"] * 2
    assert "a (unusual)" not in kinds(expand(*[{"x": f"{i % 15}"} for i in range(60)]))


def test_a_rare_new_value_does_not_drown_among_many_paths():
    rng = np.random.default_rng(11)

    def documents(share):
        made = []
        for _ in range(10):
            fields = {f"f{i}": "abc"[int(rng.integers(3))] for i in range(8)}
            numbers = {f"n{i}": float(rng.normal()) for i in range(8)}
            new = {"priority": "urgent" if rng.random() < share else "low"}
            made.append(fields | numbers | new)
        return made

    found = sum(
        compare_outputs(
            [sample(f"c{i}", documents(0.0), documents(0.15)) for i in range(8)],
            ANSWER,
            rng=rng,
            permutations=399,
        ).changed
        for _ in range(6)
    )
    assert found >= 4


def test_the_order_of_keys_the_spelling_of_numbers_and_blanks_are_not_differences():
    old = ['{"a": 1, "b": [2]}'] * 5
    new = ['{ "b":[2.0],\n"a":1e0 }'] * 5
    case = CaseSample(case="c", baseline={"answer": old}, candidate={"answer": new})
    result = compare_outputs([case], ANSWER, rng=np.random.default_rng(0))
    assert result.p == 1.0


def test_the_changed_path_and_case_are_named():
    rng = np.random.default_rng(1)

    def document(priority):
        return {"priority": priority, "cost": int(rng.integers(9)), "id": int(rng.integers(99))}

    cases = [
        sample(f"c{i}", [document("low") for _ in range(10)], [document("low") for _ in range(10)])
        for i in range(6)
    ]
    cases[3] = sample(
        "c3", [document("low") for _ in range(10)], [document("urgent") for _ in range(10)]
    )
    result = compare_outputs(cases, ANSWER, rng=rng)
    assert result.p <= 0.01
    named = {(c.case, c.metric) for c in result.cases if c.p_adjusted <= 0.05}
    assert named == {("c3", "answer $.priority"), ("c3", "answer (unusual)")}
    least = min(result.metrics, key=lambda metric: metric.p_adjusted)
    assert least.metric == "answer $.priority"


def test_a_field_that_becomes_null_now_and_then_is_found():
    rng = np.random.default_rng(2)

    def documents(share):
        return [
            {"x": None if rng.random() < share else "ok", "n": int(rng.integers(5))}
            for _ in range(10)
        ]

    cases = [sample(f"c{i}", documents(0.0), documents(0.15)) for i in range(10)]
    result = compare_outputs(cases, ANSWER, rng=rng)
    first = min(result.metrics, key=lambda metric: metric.p_adjusted)
    assert first.metric == "answer $.x (type)"
    assert first.p_adjusted <= 0.01
    assert abs(first.effect) == pytest.approx(14, abs=8)


def test_one_answer_per_case_is_enough():
    rng = np.random.default_rng(3)
    cases = [sample(f"c{i}", [{"x": "ab"[i % 2], "n": i}], [{"x": "c", "n": i}]) for i in range(20)]
    result = compare_outputs(cases, ANSWER, rng=rng)
    assert result.p <= 0.001


def test_names_order_and_arguments_of_calls_are_streams_and_identifiers_are_not():
    def calls(*given, start=0):
        listed = [
            {"id": f"call_{start + i}", "name": name, "arguments": arguments}
            for i, (name, arguments) in enumerate(given)
        ]
        return json.dumps(listed)

    look, pay = ("look_up", {"order": "A"}), ("pay", {"eur": 3})
    expansion = expand_tool_calls(
        "t",
        [
            calls(look, pay),
            calls(pay, look, start=7),
            calls(look, ("look_up", {"order": "B"}), start=3),
            calls(("pay", '{"eur": ')),
            calls(),
            None,
        ],
    )
    assert expansion.columns["t (sequence)"] == [
        "look_up; pay",
        "pay; look_up",
        "look_up; look_up",
        "pay",
        "<none>",
        None,
    ]
    assert expansion.columns["t (set)"][:3] == ["look_up, pay", "look_up, pay", "2 × look_up"]
    assert expansion.types["pay.arguments"] == ["object", "object", None, "not json", None, None]
    assert expansion.types["look_up.arguments.order"][:3] == ["string"] * 3
    assert not [name for name in expansion.columns if "id" in name.split()]


def test_a_set_that_says_no_more_than_the_sequence_is_left_out():
    one = json.dumps([{"name": "a", "arguments": {}}])
    two = json.dumps([{"name": "b", "arguments": {}}])
    assert kinds(expand_tool_calls("t", [one, two, "[]"])) == {"t (sequence)": "label"}


def test_the_number_of_calls_is_a_number_where_it_takes_several():
    call = {"name": "a", "arguments": {}}
    texts = [json.dumps([call] * n) for n in (0, 1, 2, 3)]
    expansion = expand_tool_calls("t", texts)
    assert kinds(expansion)["t (calls)"] == "number"
    assert expansion.columns["t (calls)"] == [0.0, 1.0, 2.0, 3.0]
    assert "t (calls)" not in kinds(expand_tool_calls("t", texts[:2]))


def test_names_and_sequences_of_calls_are_bounded_and_stay_apart():
    texts = [json.dumps([{"name": "n" * 9999 + end, "arguments": {}}] * 500) for end in "ab"]
    expansion = expand_tool_calls("t", texts)
    first, second = expansion.columns["t (sequence)"]
    assert first != second
    assert len(first) <= 200
    assert all(len(path) < 80 for path in expansion.types)


def test_a_metric_that_is_a_path_is_continued():
    assert list(kinds(expand({"x": 1}, {"x": 2}, metric="json:$.order"))) == ["json:$.order.x"]
    assert list(kinds(expand({}, [], metric="json:$"))) == ["json:$ (type)"]


@pytest.mark.parametrize("text", ["x", "{}", '[{"arguments": {}}]', "[1]"])
def test_what_is_no_list_of_calls_is_refused(text):
    with pytest.raises(UsageError, match="metric 't'"):
        expand_tool_calls("t", [text])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(JSON.map(json.dumps) | st.text(), min_size=1, max_size=6), st.randoms())
def test_any_answers_expand_the_same_in_any_order(texts, random):
    expansion = expand_structured("a", texts)
    order = list(range(len(texts)))
    random.shuffle(order)
    shuffled = expand_structured("a", [texts[i] for i in order])
    assert kinds(shuffled) == kinds(expansion)
    for name, column in expansion.columns.items():
        assert len(column) == len(texts)
        assert list(shuffled.columns[name]) == [column[i] for i in order]


@settings(max_examples=40, deadline=None)
@given(JSON)
def test_equal_documents_never_differ(document):
    text = json.dumps(document)
    case = CaseSample(case="c", baseline={"answer": [text] * 3}, candidate={"answer": [text] * 2})
    assert compare_outputs([case], ANSWER, rng=np.random.default_rng(0)).p == 1.0


def test_swapping_the_sides_keeps_p_and_turns_effects_around():
    rng = np.random.default_rng(4)

    def documents():
        return [{"x": "abc"[int(rng.integers(3))], "n": int(rng.integers(9))} for _ in range(6)]

    cases = [sample(f"c{i}", documents(), documents()) for i in range(4)]
    swapped = [
        CaseSample(case=c.case, baseline=c.candidate, candidate=c.baseline) for c in cases[::-1]
    ]
    there, back = (
        compare_outputs(one, ANSWER, rng=np.random.default_rng(7), permutations=4000)
        for one in (cases, swapped)
    )
    assert there.p == pytest.approx(back.p, abs=0.04)
    effects = {m.metric: m.effect for m in there.metrics}
    assert [m.metric for m in back.metrics] == list(effects)
    for metric in back.metrics:
        assert metric.effect == pytest.approx(-effects[metric.metric])


def test_hostile_answers_are_bounded_and_what_is_left_out_is_said():
    deep = "[" * 45 + '"x"' + "]" * 45
    wide = json.dumps({f"k{i}": i for i in range(5000)})
    long = json.dumps({"l": list(range(20_000))})
    keys = [json.dumps({f"{i}-{j}": "v" for j in range(40)}) for i in range(30)]
    start = time.process_time()
    expansion = expand_structured("a", [deep, wide, long, *keys])
    assert time.process_time() - start < 5
    assert len(expansion.streams) <= 4 * MAX_PATHS + 1
    assert len(expansion.types) == MAX_PATHS
    assert kinds(expansion)["a (rare paths)"] == "text"
    assert "paths beyond the 50 most frequent ones" in expansion.notes[0]
    assert expansion.notes[1].startswith(f"a: 2 answers hold more than {MAX_NODES} values")
    assert max(len(path) for path in expansion.types) < 200


def test_a_change_among_rare_paths_is_still_seen():
    def documents(word):
        return [{f"{i}-{j}": word for j in range(80)} for i in range(8)]

    case = sample("c", documents("yes"), documents("entirely different"))
    result = compare_outputs([case], ANSWER, rng=np.random.default_rng(0))
    assert result.p <= 0.01


def test_below_the_depth_bound_parts_are_compared_whole():
    def nested(inner):
        for _ in range(MAX_DEPTH + 3):
            inner = {"d": inner}
        return inner

    case = sample("c", [nested("a")] * 6, [nested("b")] * 6)
    result = compare_outputs([case], ANSWER, rng=np.random.default_rng(0))
    assert result.p <= 0.01
    assert max(path.count(".d") for path in read_tree(json.dumps(nested(1))).nodes) == MAX_DEPTH


def test_long_keys_are_cut_and_stay_apart():
    first, second = "k" * 500 + "1", "k" * 500 + "2"
    paths = list(read_tree(json.dumps({first: 1, second: 2})).nodes)
    assert len(set(paths)) == 3
    assert all(len(path) < 80 for path in paths)


def test_an_expansion_keeps_trials_and_cases_in_place():
    cases = [sample("b", [{"x": 1}, {"x": 2}], [{"x": 3}]), sample("a", [{"x": 4}], [{"x": 5}])]
    expanded = expand_outputs(cases, ANSWER)
    assert [case.case for case in expanded.cases] == ["b", "a"]
    assert expanded.cases[0].baseline["answer $.x"] == [1.0, 2.0]
    assert expanded.cases[1].candidate["answer $.x"] == [5.0]
    assert expanded.origin == {"answer $.x": "answer"}


def test_two_metrics_with_streams_of_one_name_are_refused():
    case = CaseSample(
        case="c",
        baseline={"a": ['{"x": 1}', '{"x": 2}'], "a $.x": [1.0, 2.0]},
        candidate={"a": ['{"x": 3}'], "a $.x": [1.0]},
    )
    outputs = [Output(metric="a", kind="json"), Output(metric="a $.x", kind="number")]
    with pytest.raises(UsageError, match="streams of one name"):
        expand_outputs([case], outputs)


def test_a_structured_metric_that_holds_numbers_is_refused():
    case = CaseSample(case="c", baseline={"answer": [1.0]}, candidate={"answer": ["{}"]})
    with pytest.raises(UsageError, match="is structured, but holds"):
        expand_outputs([case], ANSWER)
