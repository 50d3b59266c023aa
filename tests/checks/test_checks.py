from __future__ import annotations

import contextlib
import http.server
import json
import threading
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.checks import CHECKS, run_check
from contractcheck.checks.json_schema import SchemaFormError, check_schema, explain_mismatch
from contractcheck.model.completion import Completion, Outcome, ToolCall
from contractcheck.model.json_text import parse_json
from contractcheck.model.suite import CheckMode, CheckSpec, Parameters, Tool

SCHEMA = {
    "type": "object",
    "properties": {
        "priority": {"enum": ["low", "high"]},
        "amount": {"type": "number", "minimum": 0, "multipleOf": 0.01},
        "code": {"type": "string", "pattern": "^(a+)+$"},
        "next": {"$ref": "#"},
    },
    "required": ["priority"],
    "additionalProperties": False,
}
LOOK_UP = Tool(
    name="look_up",
    description="",
    parameters={"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Offered:
    """The part of a case that checks look at."""

    response_schema: object = None
    tools: tuple[Tool, ...] = ()
    parameters: Parameters = field(default_factory=Parameters)


def answer(text="", calls=(), finish_reason=None):
    return Completion(
        outcome=Outcome.ANSWERED, text=text, tool_calls=tuple(calls), finish_reason=finish_reason
    )


def call(name, arguments, *, is_parsed=True, call_id=None):
    return ToolCall(name=name, arguments=arguments, is_parsed=is_parsed, id=call_id)


def outcome(name, argument, completion, offered):
    spec = CheckSpec(name=name, argument=argument, mode=CheckMode.NO_WORSE, rate=None, label=name)
    return run_check(spec, completion, offered)


ASKED = Offered(response_schema=SCHEMA)
DEEP = '{"priority":"low","next":' * 49 + '{"priority":"low"}' + "}" * 49

CONFORMS = [
    ('{"priority": "low"}', ""),
    (' {"priority": "high", "amount": 12.34}\n', ""),
    ('{"priority": "low", "next": {"priority": "high"}}', ""),
    (DEEP, ""),
    (
        '```json\n{"priority": "low"}\n```',
        'not JSON: Expecting value (line 1 column 1); the answer is \'```json\\n{"priority": "low"}\\n```\'',
    ),
    ("", "not JSON: Expecting value (line 1 column 1); the answer is ''"),
    ('{"priority": "mid"}', '$.priority: \'"mid"\' breaks enum: \'["low","high"]\''),
    ("{}", "$: 'priority' is a required property"),
    (
        '{"priority": "low", "x\\u001b": 1}',
        "$: Additional properties are not allowed ('x\\x1b' was unexpected)",
    ),
    (
        '{"priority": "low", "amount": NaN}',
        'not JSON: NaN is not a JSON number; the answer is \'{"priority": "low", "amount": NaN}\'',
    ),
    ('{"priority": "low", "amount": -1}', "$.amount: '-1' breaks minimum: '0'"),
    (
        '{"priority": "low", "next": {"priority": "low", "next": 5}}',
        "$.next.next: '5' breaks type: '\"object\"'",
    ),
    ('{"priority": "low", "code": "aaab"}', "$.code: '\"aaab\"' breaks pattern: '\"^(a+)+$\"'"),
    (f'{{"priority": "low", "amount": {"9" * 4000}}}', "holds a number that is too large to judge"),
    (
        "9" * 5000,
        f"holds an integer with too many digits to read; the answer is '{'9' * 60}'… (5000 characters)",
    ),
]


@pytest.mark.parametrize(("text", "detail"), CONFORMS)
def test_conforms(text, detail):
    result = outcome("conforms", None, answer(text), ASKED)
    assert result.passed == (not detail)
    assert result.detail == detail


def test_deep_answers_fail_with_a_reason():
    for text in ["[" * 100_000, DEEP.replace('{"priority":"low"}', "[" * 2000)]:
        result = outcome("conforms", None, answer(text), ASKED)
        assert not result.passed
        assert "at most 50 levels are read" in result.detail


@pytest.mark.parametrize(
    ("calls", "text", "detail"),
    [
        ([call("look_up", {"id": "A-1"})], "", ""),
        ([], "I see.", ""),
        (
            [call("look_up", {"id": 1})],
            "",
            "arguments of look_up: $.id: '1' breaks type: '\"string\"'",
        ),
        ([call("look_up", {})], "", "arguments of look_up: $: 'id' is a required property"),
        (
            [call("look_up", "{id:", is_parsed=False)],
            "",
            "arguments of look_up are not JSON: '{id:'",
        ),
        ([call("rm\x1b", {})], "", "calls 'rm\\x1b', which was not offered"),
        (
            [call("look_up", {"id": "a"}), call("look_up", [])],
            "",
            "arguments of look_up: $: '[]' breaks type: '\"object\"'",
        ),
    ],
)
def test_conforms_judges_tool_calls(calls, text, detail):
    result = outcome("conforms", None, answer(text, calls), Offered(tools=(LOOK_UP,)))
    assert (result.passed, result.detail) == (not detail, detail)


def test_an_answer_that_only_calls_tools_has_no_text_to_conform():
    offered = Offered(response_schema=SCHEMA, tools=(LOOK_UP,))
    calls = [call("look_up", {"id": "A-1"})]
    assert outcome("conforms", None, answer("", calls), offered).passed
    assert not outcome("conforms", None, answer("One moment.", calls), offered).passed


@pytest.mark.parametrize(
    ("name", "argument", "completion", "detail"),
    [
        ("finish_reason", "stop", answer(finish_reason="stop"), ""),
        ("finish_reason", ("stop", "length"), answer(finish_reason="length"), ""),
        ("finish_reason", ("stop", "length"), answer(finish_reason="pause"), "expected 'stop' or 'length', got 'pause'"),
        ("finish_reason", "stop", answer(), "expected 'stop', got no finish reason"),
        ("contains", "refund", answer("a refund of 3"), ""),
        ("contains", ("a", "3"), answer("a refund of 3"), ""),
        ("contains", ("Refund", "3", "EUR"), answer("a refund of 3"), "'Refund', 'EUR' not found in 'a refund of 3'"),
        ("matches", r"^\{", answer('{"a"'), ""),
        ("matches", r"^\{", answer("Sure: {"), r"'^\\{' does not match 'Sure: {'"),
        ("matches", "x", answer("y" * 70), f"'x' does not match '{'y' * 60}'… (70 characters)"),
        ("tool_called", "look_up", answer(calls=[call("escalate", {}), call("look_up", {})]), ""),
        ("tool_called", ("look_up", "escalate"), answer(calls=[call("look_up", {})]), "'escalate' not called, got 'look_up'"),
        ("tool_called", "look_up", answer("I would look it up."), "'look_up' not called, got no tool call"),
    ],
)  # fmt: skip
def test_checks(name, argument, completion, detail):
    result = outcome(name, argument, completion, Offered(tools=(LOOK_UP,)))
    assert (result.passed, result.detail) == (not detail, detail)


def test_every_check_explains_itself():
    for name, check in CHECKS.items():
        assert check.name == name
        assert check.summary.split("\n")[0].endswith((".", ","))
    assert list(CHECKS) == sorted(CHECKS)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(JSON | st.text())
def test_conforms_never_raises(value):
    text = value if isinstance(value, str) else json.dumps(value)
    result = outcome("conforms", None, answer(text), ASKED)
    assert result.passed == (not result.detail)
    assert result.detail.isprintable()


KEYWORDS = st.sampled_from(
    ["type", "$ref", "$id", "$anchor", "$schema", "properties", "items", "pattern", "enum", "allOf",
     "not", "$defs", "minimum", "multipleOf", "required", "if", "then", "const", "$dynamicRef"]
)  # fmt: skip
SCHEMAS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    | st.sampled_from(["#", "#/$defs/a", "object", "string", "http://x.example/", "(?=a)"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(SCHEMAS, JSON)
def test_any_schema_is_refused_or_can_be_applied(schema, value):
    try:
        check_schema(schema)
    except SchemaFormError:
        return
    reason = explain_mismatch(value, schema)
    assert reason is None or reason.isprintable()


class _Canary(http.server.BaseHTTPRequestHandler):
    """Counts whoever asks."""

    hits: list[str]

    def do_GET(self):
        self.hits.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_args):
        """Say nothing."""


@pytest.fixture
def canary():
    handler = type("Canary", (_Canary,), {"hits": []})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler.hits
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "make",
    [
        lambda url: {"$ref": f"{url}/s.json"},
        lambda url: {"$dynamicRef": f"{url}/s.json"},
        lambda url: {"$schema": f"{url}/s.json"},
        lambda url: {"$id": f"{url}/s.json", "$ref": "other.json"},
        lambda url: {"$id": f"{url}/s.json", "$ref": "#/$defs/a"},
        lambda url: {"$id": f"{url}/s.json", "allOf": [{"$id": "b.json", "$ref": "#c"}]},
        lambda url: {"properties": {"a": {"items": {"anyOf": [{"$ref": f"{url}/s.json"}]}}}},
        lambda url: {"$defs": {"a": {"$ref": f"{url}/s.json"}}},
        lambda url: {"x": {"$ref": f"{url}/s.json"}, "properties": {"a": {"$ref": "#/x"}}},
        lambda url: {"if": {"$ref": f"{url}/s.json"}, "not": {"$ref": "ftp://127.0.0.1/x"}},
        lambda _url: {"$ref": "file:///etc/hostname"},
    ],
)
def test_nothing_is_ever_fetched(canary, make):
    url, hits = canary
    schema = make(url)
    value = {"a": [1]}
    with contextlib.suppress(SchemaFormError):
        check_schema(schema)
    # Even unchecked, applying the schema reaches for nothing.
    if "$schema" not in schema:
        explain_mismatch(value, schema)
    assert hits == []


def test_names_of_properties_are_not_keywords():
    schema = {"properties": {"$ref": {"type": "string"}, "pattern": {"type": "string"}}}
    check_schema(schema)
    assert explain_mismatch({"$ref": "http://x.example", "pattern": "(?=a)"}, schema) is None
    assert explain_mismatch({"pattern": 1}, schema) == "$.pattern: '1' breaks type: '\"string\"'"


def test_evil_pattern_in_a_schema_takes_linear_time():
    start_s = time.process_time()
    text = json.dumps({"priority": "low", "code": "a" * 50_000 + "!"})
    assert not outcome("conforms", None, answer(text), ASKED).passed
    assert time.process_time() - start_s < 1


def test_recursive_schema_and_value_end_in_a_reason():
    schema = {"anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#"}}]}
    check_schema(schema)
    value = parse_json("[" * 50 + "null" + "]" * 50)
    assert explain_mismatch(value, schema) is None
    assert explain_mismatch([[[5]]], schema) is not None
