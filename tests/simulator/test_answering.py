import json
import math
from collections import Counter
from dataclasses import replace
from statistics import median

import pytest

from contractcheck.errors import UsageError
from contractcheck.simulator import CHANGES, Change, Conditions, answer_openai, parse_change
from contractcheck.simulator.answering import answer_question
from contractcheck.simulator.question import Question, Tool

QUIET = Conditions(night="2026-03-01", night_effects=False, time_scale=0.0)
ASK = Question(model="sim", prompt="Explain the refund of the invoice.", key="k")
TICKET = {
    "type": "object",
    "properties": {
        "priority": {"enum": ["low", "medium", "high"]},
        "amount_eur": {"type": "number"},
    },
    "required": ["priority", "amount_eur"],
    "additionalProperties": False,
}
LOOKUP = Tool(
    name="lookup_order",
    description="Find an order by its number",
    parameters={
        "properties": {"order_id": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["order_id", "days"],
    },
)
WEATHER = Tool(name="weather", description="Forecast rain and temperature", parameters={})
ORDER = replace(
    ASK, prompt="Please find order ORD-77 by its number for 3 days.", tools=(LOOKUP, WEATHER)
)


def ask(question=ASK, conditions=QUIET, count=60):
    return [answer_question(question, conditions, i) for i in range(count)]


def texts(answers):
    return [answer.text for answer in answers]


def with_change(name, rate):
    return replace(QUIET, changes=(Change(name=name, rate=rate),))


def test_an_answer_depends_on_its_occurrence_and_nothing_else():
    forward, backward = ask(count=20), [answer_question(ASK, QUIET, i) for i in reversed(range(20))]
    assert forward == backward[::-1]
    assert len(set(texts(forward))) > 10


@pytest.mark.parametrize("other", [{"seed": 7}, {"night": "2026-03-02"}])
def test_other_histories_and_nights_play_other_answers(other):
    assert texts(ask(count=10)) != texts(ask(conditions=replace(QUIET, **other), count=10))


def test_a_request_seed_makes_repetitions_and_nights_equal():
    seeded = replace(ASK, seed=11)
    other_night = replace(QUIET, night="2026-03-02")
    same = texts(ask(seeded, count=5) + ask(seeded, other_night, count=5))
    assert len(set(same)) == 1
    assert texts(ask(replace(ASK, seed=12), count=1)) != same[:1]


def test_the_token_limit_cuts_and_says_so():
    answers = ask(replace(ASK, max_tokens=3))
    assert {len(a.tokens) for a in answers} == {3}
    assert {a.finish for a in answers} == {"length"}
    json_answers = ask(replace(ASK, schema=TICKET, max_tokens=2))
    assert {a.finish for a in json_answers} == {"length"}


def test_an_answer_ends_before_the_stop_text():
    free, stopped = ask(), ask(replace(ASK, stop=(" the", ".")))
    hit = 0
    for a, b in zip(free, stopped, strict=True):
        place = min(i for i in (a.text.find(" the"), a.text.find(".")) if i >= 0)
        assert b.text == a.text[:place]
        assert b.finish == "stop_sequence"
        assert a.text[place:].startswith(b.stop_sequence)
        hit += b.stop_sequence == " the"
    assert 0 < hit < 60


def test_lower_temperature_repeats_itself_more():
    distinct = [
        len({a.text.split()[0] for a in ask(replace(ASK, temperature=t))}) for t in (0, 0.4, 1.8)
    ]
    assert distinct[0] == 1
    assert distinct[0] < distinct[1] < distinct[2]


def test_offered_labels_are_answered_with_one_of_them():
    prompt = "Classify the message. Answer with one of: billing, delivery, or other.\nMy card!"
    counts = Counter(texts(ask(replace(ASK, prompt=prompt))))
    assert set(counts) <= {"billing", "delivery", "other"}
    assert len(counts) > 1


def test_the_fitting_tool_is_called_with_arguments_from_the_prompt():
    answers = ask(ORDER)
    called = Counter(a.tool for a in answers)
    assert called["lookup_order"] > 40
    arguments = [json.loads(a.text) for a in answers if a.tool == "lookup_order"]
    assert {"order_id": "ORD-77", "days": 3} in arguments
    assert all(a.finish == ("tool" if a.tool else "stop") for a in answers)


def test_tool_choice_is_obeyed():
    none = ask(replace(ORDER, tool_choice="none"))
    named = ask(replace(ORDER, tool_choice="named", forced_tool="weather"))
    required = ask(replace(ORDER, prompt="Hello there", tool_choice="required"))
    after = ask(replace(ORDER, after_tool=True))
    assert {a.tool for a in none + after} == {None}
    assert {a.tool for a in named} == {"weather"}
    assert None not in {a.tool for a in required}


def test_refusals_hit_their_share_and_leave_the_rest_untouched():
    before, after = ask(count=300), ask(conditions=with_change("refusals", 0.1), count=300)
    hit = [a for a in after if a.changes]
    assert 15 <= len(hit) <= 48
    assert len(set(texts(hit))) > 8
    assert all("can't" in a.text or "cannot" in a.text or "able" in a.text for a in hit)
    assert {a.finish for a in hit} == {"stop"}
    pairs = zip(before, after, strict=True)
    assert all(a.text == b.text for a, b in pairs if not b.changes)


def test_temperature_change_flattens_the_choice():
    ticket = replace(ASK, schema=TICKET, temperature=0.7)

    def spread(answers):
        counts = Counter(json.loads(a.text)["priority"] for a in answers).values()
        return -sum(n / 200 * math.log(n / 200) for n in counts)

    plain = spread(ask(ticket, count=200))
    assert spread(ask(ticket, with_change("temperature", 3.0), count=200)) > plain + 0.05
    assert spread(ask(ticket, with_change("temperature", 0.2), count=200)) < plain - 0.05


def test_truncation_cuts_and_changes_the_finish_reason():
    for a, b in zip(ask(), ask(conditions=with_change("truncation", 1.0)), strict=True):
        assert a.text.startswith(b.text)
        assert len(b.tokens) == max(1, int(0.4 * len(a.tokens)))
        assert b.finish == "length"


def test_json_format_wraps_json_and_only_json():
    change = with_change("json_format", 1.0)
    ticket = replace(ASK, schema=TICKET)
    for a, b in zip(ask(ticket), ask(ticket, change), strict=True):
        assert a.text in b.text
        with pytest.raises(json.JSONDecodeError):
            json.loads(b.text)
    assert texts(ask(conditions=change)) == texts(ask())


def test_tool_argument_types_change():
    forced = replace(ORDER, tool_choice="named", forced_tool="lookup_order")
    for a, b in zip(ask(forced), ask(forced, with_change("tool_argument_type", 1.0)), strict=True):
        old, new = json.loads(a.text), json.loads(b.text)
        assert new["days"] == str(old["days"])
        if old["order_id"] == "ORD-77":
            assert new["order_id"] == 77


def test_slow_first_token_multiplies_only_the_first_token():
    real_time = replace(QUIET, time_scale=1.0)
    slow = replace(real_time, changes=(parse_change("slow_first_token"),))
    for a, b in zip(ask(conditions=real_time), ask(conditions=slow), strict=True):
        assert b.timing.first_token_s == pytest.approx(2 * a.timing.first_token_s)
        gap = a.timing.total_s - a.timing.first_token_s
        assert b.timing.total_s - b.timing.first_token_s == pytest.approx(gap)


def test_waits_scale_and_look_like_a_provider():
    times = [a.timing for a in ask(conditions=replace(QUIET, time_scale=0.5), count=200)]
    first = [t.first_token_s for t in times]
    assert 0.12 < median(first) < 0.2
    assert 0.15 < math.log(max(first) / min(first)) / 5 < 0.6
    assert all(list(t.due_s) == sorted(t.due_s) for t in times)
    assert {a.timing.total_s for a in ask()} == {0.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "refusal",
            "unknown change 'refusal'; did you mean 'refusals'? `contractcheck simulator --list-changes` tells all",
        ),
        (
            "refusals=often",
            "change 'refusals=often': 'often' is not a number; write it like refusals=0.1",
        ),
        (
            "usage-only-chnk=0.5",
            "unknown change 'usage-only-chnk'; did you mean 'usage-only-chunk'? `contractcheck simulator --list-changes` tells all",
        ),
        (
            "xyzzy",
            "unknown change 'xyzzy'; `contractcheck simulator --list-changes` tells all",
        ),
        (
            "client-bypasses-recorder",
            "change 'client-bypasses-recorder' befell a testing tool: no provider can play it",
        ),
        ("refusals=2", "change 'refusals': 2.0 is not a share of requests; use 0 to 1"),
        ("refusals=nan", "change 'refusals': nan is not a share of requests; use 0 to 1"),
        (
            "temperature=1",
            "change 'temperature': 1.0 is not a factor that changes anything; use a positive number other than 1, for example 1.5",
        ),
        (
            "slow_first_token=-2",
            "change 'slow_first_token': -2.0 is not a factor that changes anything; use a positive number other than 1, for example 2.0",
        ),
    ],
)
def test_wrong_changes_are_explained(text, message):
    with pytest.raises(UsageError) as caught:
        parse_change(text)
    assert str(caught.value) == message


def test_changes_parse_to_their_documented_defaults():
    for name, description in CHANGES.items():
        assert parse_change(name) == Change(name=name, rate=description.default)
        assert description.summary.endswith(".")
    assert parse_change("refusals=0.25") == Change(name="refusals", rate=0.25)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"error_rate": 1.5}, "error_rate is 1.5; it is a share from 0 to 1"),
        ({"time_scale": -1.0}, "time_scale is -1.0; use 0 or a positive factor"),
        (
            {"changes": (Change(name="refusals"),) * 2},
            "change 'refusals' is given twice; give each change once",
        ),
    ],
)
def test_wrong_conditions_are_explained(wrong, message):
    with pytest.raises(UsageError) as caught:
        replace(QUIET, **wrong)
    assert str(caught.value) == message


@pytest.mark.bench
def test_in_process_answers_are_quick():
    from time import perf_counter

    body = {"model": "sim", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 30}
    answer_openai(body, conditions=QUIET, occurrence=0)
    best_s = math.inf
    for start in range(5):
        began_s = perf_counter()
        for i in range(50):
            answer_openai(body, conditions=QUIET, occurrence=50 * start + i)
        best_s = min(best_s, (perf_counter() - began_s) / 50)
    assert best_s < 0.001
