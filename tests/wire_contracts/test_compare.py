"""Changes of the wire are told for what they are, and only when they are sure."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.model.wire_shape import PlaceShape, WireShape
from contractcheck.wire_contracts import compare_shapes, learn_shape, wire_format
from contractcheck.wire_contracts.learnt import OTHERS, pool_shapes

TRIALS = 8


@pytest.fixture
def night(speak, questions):
    """``night(name, change, share)``: the learnt shape when some exchanges are changed."""

    def make(name, change=None, share=1.0, *, of=("prose", "long", "call", "logprobs")):
        assert set(of) <= set(questions)
        seen = []
        for kind in of:
            for trial in range(TRIALS):
                said = speak(name, kind, trial)
                is_changed = change is not None and trial < share * TRIALS
                seen.append((said.rewritten(change) if is_changed else said).seen().facts)
        return learn_shape(name, seen)

    return make


@pytest.fixture
def changes(night):
    """``changes(name, change, share)``: path → (what, severity) against ten quiet nights."""

    def make(name, change, share=1.0, before=None, **options):
        accepted = [night(name, before, **options)] * 10
        places = wire_format(PROVIDER[name]).shape.places
        found = compare_shapes(night(name, change, share, **options), accepted, places)
        return {one.path: (one.what, one.severity) for one in found}

    return make


PROVIDER = {
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
    "mistral": "mistral",
    "openai-chat": "openai",
}


def everywhere(change):
    """Apply a change to every document of an answer."""
    return lambda sent: [(kind, None if one is None else change(one)) for kind, one in sent]


def in_choice(change):
    def apply(document):
        if not document.get("choices"):
            return document
        return {**document, "choices": [change(one) for one in document["choices"]]}

    return everywhere(apply)


def without(name):
    return everywhere(lambda d: {key: value for key, value in d.items() if key != name})


def test_nothing_changes_when_nothing_changed(changes):
    assert changes("openai-chat", None) == {}


def test_a_member_that_always_came_and_is_gone_breaks(changes):
    assert changes("openai-chat", without("created")) == {"created": ("gone", "breaking")}


def test_a_member_that_is_gone_in_few_answers_is_told_and_does_not_break(changes):
    found = changes("openai-chat", without("created"), share=0.1)
    assert found == {"created": ("not always there", "additive")}


@pytest.mark.parametrize("came", [0, 1])
def test_a_member_that_is_gone_from_a_small_night_is_a_notice(came):
    def shape(exchanges, came):
        whole = PlaceShape(came=exchanges, types={"object": exchanges})
        counted = PlaceShape(came=came, lacked=exchanges - came, types={"integer": came})
        places = {"body": whole, "body usage": whole}
        if came:  # a place that never came is not kept
            places["body usage.total_tokens"] = counted
        return WireShape(format="openai-chat", exchanges=exchanges, places=places)

    accepted = [shape(4, 4)] * 5
    (found,) = compare_shapes(shape(8, came), accepted, wire_format("openai").shape.places)
    assert (found.path, found.severity) == ("usage.total_tokens", "additive")
    assert (found.candidate.count, found.candidate.n) == (8 - came, 8)


@pytest.mark.parametrize("place", ["body choices[*].message.novelty", "body content[*]<tool_use>"])
def test_what_came_sometimes_and_not_in_a_small_night_is_no_news(place):
    """Neither undocumented members nor kinds of objects are noted as lacking."""
    name = "openai-chat" if "choices" in place else "anthropic-messages"
    path = place.rpartition(".")[0] if "choices" in place else "body content"

    def shape(exchanges, came):
        whole = PlaceShape(came=exchanges, types={"object": exchanges})
        places = {"body": whole, path: whole}
        if came:
            places[place] = PlaceShape(came=came, types={"object": came})
        return WireShape(format=name, exchanges=exchanges, places=places)

    documented = wire_format(PROVIDER[name]).shape.places
    assert compare_shapes(shape(8, 0), [shape(30, 15)] * 10, documented) == ()


def test_a_member_that_is_gone_in_half_of_the_answers_breaks(changes):
    found = changes("openai-chat", without("created"), share=0.5)
    assert found["created"] == ("not there", "breaking")


def test_a_volatile_member_that_is_gone_is_a_notice(changes):
    found = changes("openai-chat", without("system_fingerprint"))
    assert found == {"system_fingerprint": ("gone", "additive")}


def test_a_new_member_is_a_notice_whether_documented_or_not(changes):
    found = changes("openai-chat", everywhere(lambda d: {**d, "novelty": 1, "obfuscation": "x"}))
    assert found == {"novelty": ("new", "additive"), "obfuscation": ("new", "additive")}


def test_an_undocumented_number_may_become_a_broken_one(changes):
    def cost(value):
        return everywhere(lambda d: {**d, "cost_of_gateway": value})

    found = changes("openai-chat", cost(0.5), before=cost(0))
    assert found == {"cost_of_gateway": ("number, where it was integer", "additive")}
    found = changes("openai-chat", cost("free"), before=cost(0))
    assert found == {"cost_of_gateway": ("string, where it was integer", "breaking")}


def test_cached_tokens_coming_and_going_is_information(changes):
    def cached(document):
        usage = document.get("usage")
        if not usage:
            return document
        details = {k: v for k, v in usage["prompt_tokens_details"].items() if "cached" not in k}
        return {**document, "usage": {**usage, "prompt_tokens_details": details}}

    gone = changes("openai-chat", everywhere(cached))
    assert {severity for _, severity in gone.values()} == {"informational"}
    come = changes("openai-chat", None, before=everywhere(cached))
    assert come == {"usage.prompt_tokens_details.cached_tokens": ("new", "informational")}


def test_a_member_under_another_name_is_renamed(changes):
    def rename(choice):
        delta = choice["delta"]
        renamed = {("output" if key == "content" else key): value for key, value in delta.items()}
        return {**choice, "delta": renamed}

    found = changes("openai-chat", in_choice(rename))
    assert found == {"choices[*].delta.content": ("renamed to 'output'", "breaking")}


def test_a_call_that_the_model_no_longer_makes_breaks_no_wire(changes, speak):
    """Then it answers in words; whether it may, checks say, and two nights."""
    said = speak("openai-chat", "prose", 3)
    words = [(frame.name, frame.document) for frame in said.frames]
    found = changes("openai-chat", lambda _: words, of=("call",))
    assert found
    assert {severity for _, severity in found.values()} <= {"additive", "informational"}
    blocks = [
        (frame.name, frame.document) for frame in speak("anthropic-messages", "prose", 3).frames
    ]
    found = changes("anthropic-messages", lambda _: blocks, of=("call",))
    assert [one for one in found.items() if one[1][1] == "breaking"] == []
    assert {severity for _, severity in found.values()} <= {"additive", "informational"}


def test_another_documented_member_is_no_new_name_of_the_first(changes):
    """The model refuses instead of answering: nobody renamed `content`."""

    def refuse(choice):
        delta = choice["delta"]
        words = {("refusal" if key == "content" else key): value for key, value in delta.items()}
        return {**choice, "delta": words}

    def silent(choice):
        delta = {key: value for key, value in choice["delta"].items() if key != "refusal"}
        return {**choice, "delta": delta}

    found = changes("openai-chat", in_choice(refuse), before=in_choice(silent), of=("prose",))
    assert found["choices[*].delta.content"] == ("gone", "additive")
    assert found["choices[*].delta.refusal"] == ("new", "additive")


def test_whole_answers_instead_of_streams_are_no_renaming(night, speak):
    whole = [
        speak("openai-chat", "prose", trial, streamed=False).seen().facts for trial in range(32)
    ]
    places = wire_format("openai").shape.places
    found = compare_shapes(learn_shape("openai-chat", whole), [night("openai-chat")] * 10, places)
    assert {one.what for one in found if one.path in ("body", "chunk")} == {"new", "gone"}
    assert not any(one.severity == "breaking" for one in found)


def test_members_of_what_is_null_tonight_are_not_missed(night):
    """Nobody got log-probabilities tonight, so none of them can lack anything."""
    accepted = [night("openai-chat", of=("prose", "logprobs"))] * 10
    tonight = night("openai-chat", of=("prose", "long"))
    found = compare_shapes(tonight, accepted, wire_format("openai").shape.places)
    assert not any(one.severity == "breaking" for one in found)


def test_calls_under_another_name_are_renamed(changes):
    def rename(choice):
        delta = choice["delta"]
        renamed = {("calls" if key == "tool_calls" else key): value for key, value in delta.items()}
        return {**choice, "delta": renamed}

    found = changes("openai-chat", in_choice(rename), of=("call",))
    assert found["choices[*].delta.tool_calls"] == ("renamed to 'calls'", "breaking")


def test_a_text_that_becomes_an_array_breaks_though_both_are_documented(changes):
    def wrap(choice):
        text = choice["delta"].get("content")
        content = [{"type": "text", "text": text}] if text else text
        return {**choice, "delta": {**choice["delta"], "content": content}}

    found = changes("mistral", in_choice(wrap))
    what, severity = found["choices[*].delta.content"]
    assert (what, severity) == ("array, where it was string", "breaking")


def test_a_list_that_was_never_empty_and_is_breaks(changes):
    def usage_in_the_last_choice(sent):
        usage = sent[-2][1]["usage"]
        return [*sent[:-3], (sent[-3][0], {**sent[-3][1], "usage": usage}), sent[-1]]

    found = changes("openai-chat", None, before=usage_in_the_last_choice)
    what, severity = found["choices"]
    assert (what, severity) == ("empty array, where it was array", "breaking")


def test_what_was_null_may_come_to_life(changes):
    def refuse(choice):
        delta = choice["delta"]
        return {**choice, "delta": {**delta, "refusal": "no"} if "refusal" in delta else delta}

    found = changes("openai-chat", in_choice(refuse))
    assert found == {"choices[*].delta.refusal": ("string, where it was null", "additive")}


def test_a_candidate_without_content_breaks(changes):
    def drop(document):
        kept = [
            {key: value for key, value in one.items() if key != "content"}
            for one in document["candidates"]
        ]
        return {**document, "candidates": kept}

    found = changes("gemini", lambda sent: [*sent[:-1], (sent[-1][0], drop(sent[-1][1]))])
    assert found["candidates[*].content"][1] == "breaking"


def test_ids_of_tool_calls_of_another_form_break_and_other_ids_do_not(changes):
    def rename(document):
        found = {**document, "id": "gen-" + "5" * 20}
        for choice in found.get("choices", []):
            for call in choice["delta"].get("tool_calls", []):
                if call.get("id"):
                    call["id"] = "functions.lookup_order:0"
        return found

    found = changes("openai-chat", everywhere(rename), of=("call",))
    assert found["choices[*].delta.tool_calls[*].id"][1] == "breaking"
    assert found["id"][1] == "informational"


def test_a_documented_ending_that_was_never_seen_is_a_notice(changes):
    def pause(document):
        delta = document.get("delta", {})
        if "stop_reason" not in delta:
            return document
        return {**document, "delta": {**delta, "stop_reason": "pause_turn"}}

    found = changes("anthropic-messages", everywhere(pause))
    assert found["message_delta.delta.stop_reason"] == ("new value 'pause_turn'", "additive")


def test_a_new_kind_of_event_is_a_notice_and_a_lost_one_too(changes):
    def without_pings(sent):
        return [one for one in sent if one[1]["type"] != "ping"]

    lost = changes("anthropic-messages", without_pings)
    assert lost["ping"] == ("gone", "additive")
    new = changes("anthropic-messages", None, before=without_pings)
    assert new["ping"] == ("new", "additive")


def test_another_order_of_keys_is_information(changes):
    found = changes("openai-chat", everywhere(lambda d: dict(reversed(d.items()))))
    assert found == {"chunk": ("new order of keys", "informational")}


def test_nothing_of_an_answer_is_learnt(night):
    shape = night("anthropic-messages")
    told = {name for one in shape.places.values() for name in (*one.values, *one.forms)}
    assert told <= {
        *("message", "assistant", "end_turn", "max_tokens", "tool_use", "standard"),
        *(name for name in told if name.startswith(("msg_*", "toolu_*", "req_*"))),
        *(name for one in shape.places.values() for name in one.forms if len(name) == 8),
    }
    assert not any("order_id" in place or "urgent" in place for place in shape.places)


COUNTS = st.integers(1, 60)
SHAPES = st.builds(
    WireShape,
    format=st.just("f"),
    exchanges=st.just(60),
    places=st.dictionaries(
        st.sampled_from(["chunk", "chunk a", "chunk a.b", "chunk a[*]", "header x"]),
        st.builds(
            PlaceShape,
            came=COUNTS,
            lacked=st.integers(0, 60),
            types=st.dictionaries(st.sampled_from(["string", "null", "array"]), COUNTS),
            values=st.dictionaries(st.sampled_from(["x", "y", OTHERS]), COUNTS),
            forms=st.dictionaries(st.sampled_from(["p", "q"]), COUNTS),
        ),
    ),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(SHAPES, min_size=1, max_size=4), st.randoms())
def test_pooling_does_not_depend_on_the_order_of_nights(shapes, shuffled):
    mixed = list(shapes)
    shuffled.shuffle(mixed)
    assert pool_shapes(mixed) == pool_shapes(shapes)
    assert pool_shapes(shapes).exchanges == 60 * len(shapes)


@settings(max_examples=100, deadline=None)
@given(SHAPES)
def test_a_night_does_not_differ_from_itself(shape):
    assert compare_shapes(shape, [shape], {}) == ()


def test_too_many_values_are_no_closed_set():
    facts = [frozenset({("chunk a", "came", ""), ("chunk a", "value", f"v{n}")}) for n in range(40)]
    values = learn_shape("f", facts).places["chunk a"].values
    assert len(values) == 13
    assert values[OTHERS] == 28


def shape_of(exchanges, places):
    """A made-up shape: ``came`` by place, and what else is seen there."""
    body = {"body": PlaceShape(came=exchanges, types={"object": exchanges})}
    return WireShape(format="x", exchanges=exchanges, places=body | places)


@pytest.mark.parametrize(("size", "severity"), [(7, "additive"), (8, "additive"), (40, "breaking")])
def test_another_name_is_as_sure_as_the_loss_of_the_old_one(size, severity):
    accepted = shape_of(size, {"body note": PlaceShape(came=size, types={"string": size})})
    tonight = shape_of(size, {"body text": PlaceShape(came=size, types={"string": size})})
    found = {one.path: one for one in compare_shapes(tonight, [accepted], {})}
    assert (found["note"].what, found["note"].severity) == ("renamed to 'text'", severity)


@pytest.mark.parametrize("aspect", ["values", "forms"])
def test_the_sum_of_the_rarer_ones_is_nothing_new(aspect):
    def call_ids(counts):
        total = sum(counts.values())
        seen = PlaceShape(came=total, types={"string": total}, **{aspect: counts})
        return shape_of(total, {"body tool_calls[*].id": seen})

    accepted = call_ids({f"form {letter}": 50 for letter in "abcdefghijkl"})
    tonight = call_ids({f"form {letter}": 50 for letter in "abcdefghijk"} | {OTHERS: 100})
    assert OTHERS not in " ".join(one.what for one in compare_shapes(tonight, [accepted], {}))
