"""Every way a suite file can be wrong, and the exact text that says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from contractcheck.errors import SuiteError
from contractcheck.suite import load_suites

BASE = """\
suite: mail
version: 1.0.0
targets: [openai:m]
cases:
  - id: a
    messages: [{role: user, content: hi}]
"""

CASE_KEYS = (
    "checks, context, id, max_output_tokens, messages, metrics, reasoning_effort, "
    "response_schema, samples, seed, stop, stream, system, temperature, tool_choice, tools, "
    "top_logprobs, top_p"
)
CHECKS = (
    "conforms, contains, ending, finish_reason, known_tools, matches, no_padding, no_refusal, "
    "not_empty, not_truncated, script, tool_call_count, tool_call_ids, tool_called, tool_choice, "
    "valid_arguments"
)
METRICS = (
    "blank_run, ending, json, label, logprobs, number, output_tokens, refusal, scripts, text, "
    "time_per_token_s, tool_arguments, tool_calls, total_s, ttft_s, vector"
)
NO_LOOKAROUND = "lookaround and backreferences are not supported"
URL = (
    "base_url: expected an address such as https://llm.example.com/v1 (http only on this machine; "
    "no user, query or fragment), got the text"
)
NOT_SHOWN = "a text with more (not shown)"

YAML_TABLE = {
    "syntax": (
        "a: [b\n",
        ["mail.contract.yaml:2: not YAML: expected ',' or ']', but got '<stream end>'"],
    ),
    "tab": (
        BASE + "\tx: 1\n",
        [r"mail.contract.yaml:7: not YAML: found character '\t' that cannot start any token"],
    ),
    "duplicate key": (
        BASE + "suite: x\n",
        ["mail.contract.yaml:7: suite: key given twice; first on line 1"],
    ),
    "duplicate key in a case": (
        BASE + "    id: b\n",
        ["mail.contract.yaml:7: cases[0].id: key given twice; first on line 5"],
    ),
    "anchor and alias": (
        BASE + "x: &a 1\ny: *a\n",
        [
            "mail.contract.yaml:7: x: anchor &a: anchors are not read; remove it",
            "mail.contract.yaml:8: y: alias *a: aliases are not read; write the value out",
        ],
    ),
    "tag": (
        "a: !!python/object/apply:os.system [ls]\n",
        [
            "mail.contract.yaml:1: a: tag tag:yaml.org,2002:python/object/apply:os.system: tags are not read; remove it"
        ],
    ),
    "own tag": (
        "a: !env HOME\n",
        ["mail.contract.yaml:1: a: tag !env: tags are not read; remove it"],
    ),
    "alias that hides characters": (
        "a: *\U000e0041b\n",
        [r"mail.contract.yaml:1: a: alias *\U000e0041b: aliases are not read; write the value out"],
    ),
    "long anchor": (
        "a: &" + "b" * 9000 + " 1\n",
        [f"mail.contract.yaml:1: a: anchor &{'b' * 292}…"],
    ),
    "two documents": (
        BASE + "---\na: 1\n",
        ["mail.contract.yaml:7: a second document begins here; a file holds one"],
    ),
    "YAML 1.1": (
        "%YAML 1.1\n---\na: 1\n",
        ["mail.contract.yaml:2: the directive asks for another YAML version; 1.2 is read"],
    ),
    "deep": (
        "a:\n  " + "[" * 60 + "]" * 60,
        ["mail.contract.yaml:2: a[0][0]: nested deeper than 50 levels"],
    ),
    "very deep": (
        "a: " + "[" * 100_000,
        ["mail.contract.yaml:1: a[0][0]: nested deeper than 50 levels"],
    ),
    "number as key": (
        BASE + "3: x\n",
        ["mail.contract.yaml:7: a key that is not a text; put it in quotes"],
    ),
    "not a number": (
        BASE + "    temperature: .nan\n",
        ["mail.contract.yaml:7: cases[0].temperature: .nan is not a finite number"],
    ),
    "too large": (
        BASE + "    temperature: 1e999\n",
        ["mail.contract.yaml:7: cases[0].temperature: 1e999 is beyond the range of a number"],
    ),
    "too many digits": (
        f"a: {'9' * 5000}\n",
        ["mail.contract.yaml:1: a: a number of 5000 digits is too long"],
    ),
    "half a surrogate pair": (
        'a: "\\ud800"\n',
        ["mail.contract.yaml:1: a: holds half of a surrogate pair, which is not text"],
    ),
    "beyond Unicode": (
        'a: "\\U99999999"\n',
        ["mail.contract.yaml: not YAML: a number or an escape is out of range"],
    ),
    "control character": (
        b"a: 1\nb: \x00\n",
        [
            "mail.contract.yaml:2: not YAML: unacceptable character #x0000: special characters are not allowed"
        ],
    ),
    "not UTF-8": (
        b"a: 1\nb: \xff",
        ["mail.contract.yaml:2: not UTF-8 at byte 8; save the file as UTF-8"],
    ),
    "not UTF-8 after a mark": (
        b"\xef\xbb\xbfa\xff",
        ["mail.contract.yaml:1: not UTF-8 at byte 4; save the file as UTF-8"],
    ),
    "too long": (
        b"#" * ((1 << 20) + 1),
        ["mail.contract.yaml: holds 1048577 bytes; at most 1048576 (1 MiB) are read"],
    ),
    "empty": ("", ["mail.contract.yaml:1: expected a mapping, got nothing"]),
    "a list": ("- a\n", ["mail.contract.yaml:1: expected a mapping, got a list of 1"]),
}

SHAPE_TABLE = {
    "missing keys": (
        "suite: x\n",
        [
            "mail.contract.yaml:1: missing key 'version'",
            "mail.contract.yaml:1: missing key 'targets'",
            "mail.contract.yaml:1: missing key 'cases'",
        ],
    ),
    "unknown key at the top": (
        BASE + "description: x\n",
        [
            "mail.contract.yaml:7: unknown key 'description'; allowed: cases, defaults, policy, suite, targets, version"
        ],
    ),
    "unknown key in a case": (
        BASE + "    smaples: 3\n",
        [
            f"mail.contract.yaml:7: cases[0]: unknown key 'smaples'; did you mean 'samples'? Allowed: {CASE_KEYS}"
        ],
    ),
    "unknown key with control characters": (
        BASE + '"\\e[31m": 3\n',
        [
            r"mail.contract.yaml:7: unknown key '\x1b[31m'; allowed: cases, defaults, policy, suite, targets, version"
        ],
    ),
    "text for a number": (
        BASE + "    samples: '3'\n",
        ["mail.contract.yaml:7: cases[0].samples: expected a whole number, got the text '3'"],
    ),
    "truth for a number": (
        BASE + "    samples: true\n",
        ["mail.contract.yaml:7: cases[0].samples: expected a whole number, got true"],
    ),
    "no samples": (
        BASE + "    samples: 0\n",
        [
            "mail.contract.yaml:7: cases[0].samples: expected a number of at least 1, got the number 0"
        ],
    ),
    "hot": (
        BASE + "    temperature: 3\n",
        [
            "mail.contract.yaml:7: cases[0].temperature: expected a number of at most 2, got the number 3"
        ],
    ),
    "many stops": (
        BASE + "    stop: [a, b, c, d, e]\n",
        ["mail.contract.yaml:7: cases[0].stop: expected a list of at most 4, got a list of 5"],
    ),
    "no case": (
        "suite: a\nversion: 1.0.0\ntargets: [openai:m]\ncases: []\n",
        ["mail.contract.yaml:4: cases: expected a list of at least 1, got an empty list"],
    ),
    "case is a number": (
        BASE + "  - 3\n",
        ["mail.contract.yaml:7: cases[1]: expected a mapping, got the number 3"],
    ),
    "bad id": (
        BASE.replace("id: a", "id: ../Up"),
        [
            "mail.contract.yaml:5: cases[0].id: '../Up' is not a name: 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"
        ],
    ),
    "long id": (
        BASE.replace("id: a", f"id: {'a' * 65}"),
        [
            f"mail.contract.yaml:5: cases[0].id: '{'a' * 60}'… (65 characters) is not a name: 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"
        ],
    ),
    "Windows device": (
        BASE.replace("id: a", "id: con.txt"),
        [
            "mail.contract.yaml:5: cases[0].id: 'con.txt' cannot be a file name on Windows; choose another name"
        ],
    ),
    "id is a number": (
        BASE.replace("id: a", "id: 3"),
        [
            "mail.contract.yaml:5: cases[0].id: expected a name such as refund-json, got the number 3"
        ],
    ),
    "id taken": (
        BASE + "  - id: a\n    messages: [{role: user, content: hi}]\n",
        ["mail.contract.yaml:7: cases[1].id: id 'a' is taken by the case on line 5"],
    ),
    "version": (
        BASE.replace("1.0.0", "1.0"),
        [
            "mail.contract.yaml:2: version: expected a semantic version such as 2.1.0, got the number 1.0"
        ],
    ),
    "role": (
        BASE.replace("role: user", "role: usr"),
        [
            "mail.contract.yaml:6: cases[0].messages[0].role: expected 'system', 'user' or 'assistant', got the text 'usr'"
        ],
    ),
    "nobody asks": (
        BASE.replace("role: user", "role: assistant"),
        [
            "mail.contract.yaml:6: cases[0].messages: holds no message of the user; add one with role: user"
        ],
    ),
    "late system message": (
        BASE.replace("content: hi}", "content: hi}, {role: system, content: x}"),
        ["mail.contract.yaml:6: cases[0].messages: a system message stands first, and only once"],
    ),
    "two system messages": (
        BASE.replace("[{role: user", "[{role: system, content: x}, {role: user")
        + "    system: y\n",
        ["mail.contract.yaml:7: cases[0].system: given here and in messages; keep one of them"],
    ),
    "says nothing": (
        BASE.replace("content: hi", "content: ''"),
        [
            "mail.contract.yaml:6: cases[0].messages[0].content: expected a text that is not empty, got the text ''"
        ],
    ),
    "unknown provider": (
        BASE.replace("openai:m", "opnai:m"),
        [
            "mail.contract.yaml:3: targets[0]: unknown provider 'opnai'; did you mean 'openai'? Allowed: anthropic, openai"
        ],
    ),
    "target without model": (
        BASE.replace("openai:m", "openai"),
        [
            "mail.contract.yaml:3: targets[0]: expected provider:model, such as openai:gpt-5-mini, got the text 'openai'; an endpoint is written {target: provider:model, base_url: https://…}"
        ],
    ),
    "target twice": (
        BASE.replace("openai:m", "openai:m, openai:m"),
        [
            "mail.contract.yaml:3: targets[1]: target 'openai:m' is given twice; its nights could not be told apart"
        ],
    ),
    "a key sent in the clear": (
        BASE.replace("openai:m", "{target: openai:m, base_url: 'http://evil.example'}"),
        [f"mail.contract.yaml:3: targets[0]: {URL} 'http://evil.example'"],
    ),
    "password in the address": (
        BASE.replace("openai:m", "{target: openai:m, base_url: 'https://a:b@llm.example'}"),
        [f"mail.contract.yaml:3: targets[0]: {URL.removesuffix('the text')}{NOT_SHOWN}"],
    ),
    "target with another key": (
        BASE.replace("openai:m", "{target: openai:m, url: x}"),
        [
            (
                "mail.contract.yaml:3: targets[0]: unknown key 'url'; allowed: "
                "api_version, auth, base_url, mapping, project, region, target"
            )
        ],
    ),
}

RULE_TABLE = {
    "unknown check": (
        BASE + "    checks: [conform]\n",
        [
            f"mail.contract.yaml:7: cases[0].checks[0]: unknown check 'conform'; did you mean 'conforms'? Allowed: {CHECKS}"
        ],
    ),
    "two checks in one": (
        BASE + "    checks: [{matches: a, contains: b}]\n",
        [
            "mail.contract.yaml:7: cases[0].checks[0]: expected one check here, got 2 names (matches, contains)"
        ],
    ),
    "check is a number": (
        BASE + "    checks: [3]\n",
        [
            "mail.contract.yaml:7: cases[0].checks[0]: expected a check, such as conforms, got the number 3"
        ],
    ),
    "no check": (
        BASE + "    checks: [{mode: always}]\n",
        ["mail.contract.yaml:7: cases[0].checks[0]: expected one check here, got no name"],
    ),
    "unknown mode": (
        BASE + "    checks: [{contains: a, mode: never}]\n",
        [
            "mail.contract.yaml:7: cases[0].checks[0]: mode: expected 'always' or 'no-worse' or {rate: 0.98}, got the text 'never'"
        ],
    ),
    "rate": (
        BASE + "    checks: [{contains: a, mode: {rate: 2}}]\n",
        [
            "mail.contract.yaml:7: cases[0].checks[0]: mode: expected a rate above 0 and at most 1, got the number 2"
        ],
    ),
    "argument missing": (
        BASE + "    checks: [contains]\n",
        [
            "mail.contract.yaml:7: cases[0].checks[0]: contains takes a text or a list of texts, none of them empty"
        ],
    ),
    "argument too many": (
        BASE + "    checks: [{conforms: x}]\n",
        ["mail.contract.yaml:7: cases[0].checks[0]: conforms takes no argument"],
    ),
    "lookaround": (
        BASE + "    checks: [{matches: '(?=a)'}]\n",
        [
            f"mail.contract.yaml:7: cases[0].checks[0]: '(?=a)' is not an RE2 pattern (invalid perl operator: (?=); {NO_LOOKAROUND}"
        ],
    ),
    "nothing to conform to": (
        BASE + "    checks: [conforms]\n",
        [
            "mail.contract.yaml:7: cases[0].checks[0]: conforms needs a case with a response_schema or with tools"
        ],
    ),
    "tool_called without tools": (
        BASE + "    checks: [{tool_called: x}]\n",
        ["mail.contract.yaml:7: cases[0].checks[0]: tool_called needs a case with tools"],
    ),
    "undeclared tool": (
        BASE + "    tools: [tool.json]\n    checks: [{tool_called: x}]\n",
        [
            "mail.contract.yaml:8: cases[0].checks[0]: the case offers no tool 'x'; its tools are 'look'"
        ],
    ),
    "check twice": (
        BASE + "    checks: [{contains: x}, {contains: x, mode: always}]\n",
        ["mail.contract.yaml:7: cases[0].checks[1]: 'contains:x' is given twice"],
    ),
    "tool_choice without tools": (
        BASE + "    tool_choice: auto\n",
        ["mail.contract.yaml:7: cases[0].tool_choice: the case offers no tools"],
    ),
    "tool_choice of another tool": (
        BASE + "    tools: [tool.json]\n    tool_choice: x\n",
        [
            "mail.contract.yaml:8: cases[0].tool_choice: expected 'auto', 'none', 'required' or 'look', got 'x'"
        ],
    ),
    "unknown metric": (
        BASE + "    metrics: [txt]\n",
        [
            f"mail.contract.yaml:7: cases[0].metrics[0]: unknown metric 'txt'; did you mean 'text'? Allowed: {METRICS}"
        ],
    ),
    "metric is a number": (
        BASE + "    metrics: [3]\n",
        [
            "mail.contract.yaml:7: cases[0].metrics[0]: expected a metric, such as text, got the number 3"
        ],
    ),
    "label of what": (
        BASE + "    metrics: [label]\n",
        [
            "mail.contract.yaml:7: cases[0].metrics[0]: label takes one text: where to look, such as $.priority"
        ],
    ),
    "several values": (
        BASE + "    metrics: [label: $..a]\n",
        [
            "mail.contract.yaml:7: cases[0].metrics[0]: '$..a' can mean several values; name one, such as $.order.items[0]"
        ],
    ),
    "not a JSONPath": (
        BASE + "    metrics: [number: $.a.]\n",
        [
            "mail.contract.yaml:7: cases[0].metrics[0]: '$.a.' is not a JSONPath of RFC 9535 (unexpected end of expression, line 1, column 4), such as $.order.items[0]"
        ],
    ),
    "bad pattern as label": (
        BASE + "    metrics: [label: '(']\n",
        [
            f"mail.contract.yaml:7: cases[0].metrics[0]: '(' is not an RE2 pattern (missing ): (); {NO_LOOKAROUND}; a JSONPath begins with '$'"
        ],
    ),
    "metric with an argument": (
        BASE + "    metrics: [{text: x}]\n",
        ["mail.contract.yaml:7: cases[0].metrics[0]: text takes no argument"],
    ),
    "metric twice": (
        BASE + "    metrics: [text, text]\n",
        ["mail.contract.yaml:7: cases[0].metrics[1]: 'text' is given twice"],
    ),
    "policy": (
        BASE
        + "policy:\n"
        + "  watch: {alarm_budget: 0.1, nights: 3}\n"
        + "  gate: {alpha: 0}\n"
        + "  margins: {ttft: 1.2, conformance: 2, foo: 1}\n"
        + "  limits: {error_rate: 3, latency_p95: 3}\n"
        + "  on_inconclusive: no\n"
        + "  volatile: ['$[', 7]\n",
        [
            "mail.contract.yaml:8: policy.watch.alarm_budget: expected the chance of any false alarm in a year, between 0 and 1, such as 0.10/year; got the number 0.1",
            "mail.contract.yaml:8: policy.watch.nights: expected a number of at least 5, got the number 3",
            "mail.contract.yaml:9: policy.gate.alpha: expected a number above 0, got the number 0",
            "mail.contract.yaml:10: policy.margins: unknown key 'foo'; allowed: conformance, error_rate, refusals, time_per_token, total, ttft",
            "mail.contract.yaml:10: policy.margins.conformance: expected a difference between -1 and 1, such as -0.02 or +0.02; got the number 2",
            "mail.contract.yaml:10: policy.margins.ttft: expected a ratio of at least 1, such as 1.25x; got the number 1.2",
            "mail.contract.yaml:11: policy.limits: unknown key 'latency_p95'; did you mean 'latency_p95_s'? Allowed: error_rate, latency_p95_s",
            "mail.contract.yaml:11: policy.limits.error_rate: expected a number of at most 1, got the number 3",
            "mail.contract.yaml:12: policy.on_inconclusive: expected 'warn' or 'fail', got the text 'no'",
            "mail.contract.yaml:13: policy.volatile[0]: '$[' is not a JSONPath of RFC 9535 (unbalanced brackets, line 1, column 2), such as $.metadata.request_id",
            "mail.contract.yaml:13: policy.volatile[1]: expected a JSONPath such as $.metadata.request_id, got the number 7",
        ],
    ),
    "shape of the gate": (
        BASE + "policy:\n  gate:\n    slots: 1\n    critical: [tft]\n    same_model: 1\n",
        [
            "mail.contract.yaml:9: policy.gate.slots: expected a number of at least 2, got the number 1",
            "mail.contract.yaml:10: policy.gate.critical[0]: expected 'conformance', 'error_rate', 'refusals', 'time_per_token', 'total' or 'ttft', got the text 'tft'",
            "mail.contract.yaml:11: policy.gate.same_model: expected true or false, got the number 1",
        ],
    ),
    "margins that the gate names": (
        BASE
        + "policy:\n"
        + "  margins: {ttft: 1.2x, refusals: 0.1}\n"
        + "  gate:\n"
        + "    critical: [ttft, ttft, total]\n"
        + "    muted:\n"
        + "      - refusals\n"
        + "      - ttft\n",
        [
            "mail.contract.yaml:10: policy.gate.critical[1]: 'ttft' is given twice",
            "mail.contract.yaml:10: policy.gate.critical[2]: policy.margins has no 'total'; declared: refusals, ttft",
            "mail.contract.yaml:13: policy.gate.muted[1]: 'ttft' is critical too; keep it in one of the lists",
        ],
    ),
    "margins that the gate names without any": (
        BASE + "policy: {gate: {muted: [ttft]}}\n",
        [
            "mail.contract.yaml:7: policy.gate.muted[0]: policy.margins has no 'ttft'; none is declared"
        ],
    ),
}

TABLE = YAML_TABLE | SHAPE_TABLE | RULE_TABLE


@pytest.mark.parametrize("name", TABLE)
def test_says_what_is_wrong_where_and_what_is_allowed(folder, name):
    text, expected = TABLE[name]
    before = {path: path.read_bytes() for path in folder.path.rglob("*")}
    assert folder.errors(text) == expected
    before[folder.file] = text if isinstance(text, bytes) else text.encode()
    assert {path: path.read_bytes() for path in folder.path.rglob("*")} == before


@pytest.mark.parametrize("name", [name for name in RULE_TABLE if "\n" in RULE_TABLE[name][0]])
def test_a_wrong_key_hides_no_other_problem(folder, name):
    text, expected = RULE_TABLE[name]
    found = folder.errors(f"{text.rstrip()}\nsuit: x\n")
    unknown = [problem for problem in found if "unknown key 'suit'" in problem]
    assert len(unknown) == 1
    assert [problem for problem in found if problem not in unknown] == expected


def test_wrong_parts_of_cases_hide_neither_paths_nor_ids(folder):
    text = BASE.replace("[openai:m]", "[openai]") + (
        "    tools: [../a.json, 7, ../b.json]\n"
        "    tool_choice: look\n"
        "  - id: a\n"
        "    messages: []\n"
        "    response_schema: /etc/passwd\n"
        "  - 7\n"
        "  - id: a\n"
        "    mesages: []\n"
        "    context: [../c.md]\n"
    )
    places = [problem.split(": ")[0:2] for problem in folder.errors(text)]
    assert [place.removeprefix("mail.contract.yaml:") + " " + where for place, where in places] == [
        "3 targets[0]",
        "7 cases[0].tools[0]",
        "7 cases[0].tools[1]",
        "9 cases[1].id",
        "10 cases[1].messages",
        "11 cases[1].response_schema",
        "12 cases[2]",
        "13 cases[3]",
        "13 cases[3].id",
        "14 cases[3]",
        "15 cases[3].context[0]",
    ]


def _schema_errors(folder, content):
    text = BASE + "    response_schema: schema.json\n"
    return folder.errors(text, schema__json=content)


SCHEMA_TABLE = {
    "not JSON": (
        "{\n,}",
        [
            "schema.json:2: not JSON: Expecting property name enclosed in double quotes (line 2 column 1)"
        ],
    ),
    "not a number": ('{"minimum": NaN}', ["schema.json: not JSON: NaN is not a JSON number"]),
    "duplicate key": (
        '{"type": "object", "type": "array"}',
        ["schema.json: names the key 'type' twice in one object"],
    ),
    "deep": ("[" * 51 + "]" * 51, ["schema.json: nested 51 deep; at most 50 levels are read"]),
    "surrogate": (
        '{"title": "\\ud800"}',
        ["schema.json: holds half of a surrogate pair, which is not text"],
    ),
    "no object": ("true", ["schema.json:1: a JSON Schema is an object here"]),
    "no schema": (
        '{\n  "type": "object",\n  "properties": {\n    "a": {"type": "txt"}\n  }\n}',
        ["schema.json:4: properties.a.type: not a JSON Schema: "],
    ),
    "remote reference": (
        '{\n  "properties": {\n    "a": {"$ref": "http://x.example/s.json"}\n  }\n}',
        [
            "schema.json:3: properties.a.$ref: 'http://x.example/s.json' is outside this file; only references that begin with '#' are followed, nothing is ever fetched"
        ],
    ),
    "file reference": (
        '{"$dynamicRef": "file:///etc/passwd"}',
        [
            "schema.json:1: $dynamicRef: 'file:///etc/passwd' is outside this file; only references that begin with '#' are followed, nothing is ever fetched"
        ],
    ),
    "reference to nothing": (
        '{"$ref": "#/$defs/a"}',
        ["schema.json:1: $ref: '#/$defs/a' points to no schema in this file"],
    ),
    "reference beside the schemas": (
        '{"x": {}, "allOf": [{"$ref": "#/x"}]}',
        ["schema.json:1: allOf.0.$ref: '#/x' points to no schema in this file"],
    ),
    "circle": ('{"$ref": "#"}', ["schema.json:1: refers to itself without end"]),
    "hidden circle": (
        '{"$defs": {\n"a": {"anyOf": [{"$ref": "#b"}]},\n"b": {"$anchor": "b", "not": {"$ref": "#/%24defs/a"}}}}',
        ["schema.json:2: $defs.a: refers to itself without end"],
    ),
    "inner id": (
        '{"items": {"$id": "x"}}',
        ["schema.json:1: items.$id: an $id stands only at the top of a file"],
    ),
    "other dialect": (
        '{"$schema": "http://json-schema.org/draft-07/schema#"}',
        [
            "schema.json:1: $schema: only the dialect https://json-schema.org/draft/2020-12/schema is read"
        ],
    ),
    "lookaround": (
        '{"properties": {\n"a": {"pattern": "(?=a)"}}}',
        [
            f"schema.json:2: properties.a.pattern: '(?=a)' is not an RE2 pattern (invalid perl operator: (?=); {NO_LOOKAROUND}"
        ],
    ),
    "patternProperties": (
        '{"patternProperties": {"a": {}}}',
        [
            "schema.json:1: patternProperties: patternProperties is not supported (neither do the providers' structured outputs); use properties, or additionalProperties with propertyNames"
        ],
    ),
}


@pytest.mark.parametrize("name", SCHEMA_TABLE)
def test_says_what_is_wrong_in_a_schema(folder, name):
    content, expected = SCHEMA_TABLE[name]
    found = _schema_errors(folder, content)
    assert [line[: len(start)] for line, start in zip(found, expected, strict=True)] == expected


TOOL_TABLE = {
    "not ours": (
        '{"type": "function",\n"function": {}}',
        [
            "tool.json:1: missing key 'name'",
            "tool.json:1: missing key 'description'",
            "tool.json:1: missing key 'parameters'",
            "tool.json:1: unknown key 'type'; allowed: description, name, parameters",
            "tool.json:2: unknown key 'function'; allowed: description, name, parameters",
        ],
    ),
    "name": (
        '{"name": "a b", "description": "x", "parameters": {"type": "object"}}',
        [
            "tool.json:1: name: expected a text of the form ^[a-zA-Z0-9_-]{1,64}$, got the text 'a b'"
        ],
    ),
    "parameters": (
        '{"name": "a", "description": "x",\n "parameters": {"type": "string"}}',
        ['tool.json:2: parameters: the arguments of a tool are an object; write "type": "object"'],
    ),
    "called like a choice": (
        '{"name": "auto", "description": "x", "parameters": {"type": "object"}}',
        ["mail.contract.yaml:7: cases[0].tools[0]: 'auto' is a tool_choice and cannot be a name"],
    ),
}


@pytest.mark.parametrize("name", TOOL_TABLE)
def test_says_what_is_wrong_in_a_tool(folder, name):
    content, expected = TOOL_TABLE[name]
    assert folder.errors(BASE + "    tools: [tool.json]\n", tool__json=content) == expected


def test_two_tools_of_one_name(folder):
    copy = (folder.path / "tool.json").read_text()
    text = BASE + "    tools: [tool.json, copy.json]\n"
    assert folder.errors(text, copy__json=copy) == [
        "mail.contract.yaml:7: cases[0].tools[1]: two tools are called 'look'"
    ]


OUTSIDE = "leaves the suite's folder; only files inside it are read"


@pytest.mark.parametrize(
    ("relative", "what"),
    [
        ("../../../etc/passwd", OUTSIDE),
        ("/etc/passwd", OUTSIDE),
        ("a/../../x", OUTSIDE),
        ("..\\x", OUTSIDE),
        ("link.json", OUTSIDE),
        ("linked/secret.json", OUTSIDE),
        ("nope.json", ": No such file or directory"),
        (".", "is not a file"),
        ("pipe", "is not a file"),
        ("circle", "cannot be followed"),
        ("x" * 300, "File name too long"),
        ("big.json", "holds 1048577 bytes; at most 1048576 (1 MiB) are read"),
    ],
)
@pytest.mark.parametrize("key", ["response_schema: {}", "tools: [{}]", "context: [{}]"])
def test_reads_nothing_outside_the_folder(folder, tmp_path_factory, relative, what, key):
    secret = tmp_path_factory.mktemp("outside") / "secret.json"
    secret.write_text('{"title": "s3cret"}')
    (folder.path / "link.json").symlink_to(secret)
    (folder.path / "linked").symlink_to(secret.parent)
    (folder.path / "circle").symlink_to("circle")
    (folder.path / "big.json").write_text(" " * ((1 << 20) + 1))
    os.mkfifo(folder.path / "pipe")
    [line] = folder.errors(
        BASE + f"    {key.format(repr(relative).replace(chr(92) * 2, chr(92)))}\n"
    )
    assert line.startswith("mail.contract.yaml:7: cases[0].")
    assert what in line
    assert "s3cret" not in line


def test_context_that_is_not_utf8(folder):
    (folder.path / "c.md").write_bytes(b"a\n\xff")
    assert folder.errors(BASE + "    context: [c.md]\n") == [
        "c.md:2: not UTF-8 at byte 2; save the file as UTF-8"
    ]


def test_resource_named_twice(folder):
    assert folder.errors(BASE + "    tools: [tool.json, tool.json]\n") == [
        "mail.contract.yaml:7: cases[0].tools[1]: 'tool.json' is given twice"
    ]


def test_tells_the_problems_of_all_files_at_once(folder, tmp_path):
    folder.write(BASE.replace("id: a", "id: A") + "    samples: x\n")
    other = tmp_path / "other.contract.yaml"
    other.write_text("a: [\n")
    good = tmp_path / "good.contract.yaml"
    good.write_text(BASE)
    twin = tmp_path / "twin.contract.yaml"
    twin.write_text(BASE)
    paths = [folder.file, other, good, twin, Path(tmp_path / "gone.contract.yaml")]
    with pytest.raises(SuiteError) as caught:
        load_suites(paths, providers=("openai",))
    assert [
        (Path(problem.file).name, problem.line, problem.where) for problem in caught.value.problems
    ] == [
        ("mail.contract.yaml", 5, "cases[0].id"),
        ("mail.contract.yaml", 7, "cases[0].samples"),
        ("other.contract.yaml", 2, ""),
        ("twin.contract.yaml", None, "suite"),
        ("gone.contract.yaml", None, ""),
    ]


def test_alias_bomb_is_refused_at_once(folder):
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    found = folder.errors("a0: &a0 [x]\n" + levels)
    assert len(found) == 9 + 80
    assert all("are not read" in line for line in found)
