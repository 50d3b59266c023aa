from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.errors import SuiteError
from contractcheck.model.suite import CheckMode, GatePolicy, Margin, Message, Policy
from contractcheck.model.target import Target
from contractcheck.suite import find_suites, load_suite, load_suites
from contractcheck.suite.fingerprint import digest_checks

PROVIDERS = ("openai", "anthropic")
SHIPPED = Path(__file__).parents[2] / "suites"

WHOLE = """\
suite: mail
version: 2.1.0-rc.1
targets:
  - openai:m
  - {target: anthropic:n, base_url: "http://127.0.0.1:8080/v1/"}
defaults: {samples: 4, temperature: 1, max_output_tokens: 50, stop: [END]}
policy:
  watch: {alarm_budget: 0.05/year, nights: 14}
  gate: {alpha: 0.01, power: 0.9, slots: 30, critical: [refusals], muted: [ttft], same_model: true}
  margins: {conformance: -0.02, refusals: +0.03, ttft: 1.25x}
  limits: {latency_p95_s: 4, error_rate: 0}
  identity: {allow: [m-2026-01-01]}
  on_inconclusive: fail
  store_prompts: hash
  volatile: [$.metadata.request_id, "$.messages[*].id"]
cases:
  - id: a
    samples: 6
    temperature: 0
    system: Be brief.
    context: [c.md, d.md]
    messages: [{role: user, content: "${HOME}"}]
    response_schema: schema.json
    tools: [tool.json]
    tool_choice: look
    checks:
      - conforms
      - {finish_reason: [stop, end_turn], mode: always}
      - {matches: '^\\{', mode: {rate: 0.98}}
    metrics: [label: $.priority, number: $.refund, text, ttft_s]
  - id: b
    messages: [{role: user, content: hi}]
    tools: [tool.json]
"""
FILES = {"c__md": "Rule one.\n", "d__md": "Rule two.\n"}


def test_reads_every_field(folder):
    suite = folder.load(WHOLE, **FILES)
    assert (suite.name, suite.version, suite.path) == ("mail", "2.1.0-rc.1", str(folder.file))
    assert suite.targets == (
        Target(provider="openai", model="m"),
        Target(provider="anthropic", model="n", base_url="http://127.0.0.1:8080/v1"),
    )
    assert suite.policy == Policy(
        alarm_budget_per_year=0.05,
        nights=14,
        alpha=0.01,
        power=0.9,
        margins={
            "conformance": Margin(value=-0.02, kind="difference"),
            "refusals": Margin(value=0.03, kind="difference"),
            "ttft": Margin(value=1.25, kind="ratio"),
        },
        gate=GatePolicy(slots=30, critical=("refusals",), muted=("ttft",), same_model=True),
        limits={"latency_p95_s": 4.0, "error_rate": 0.0},
        allowed_models=("m-2026-01-01",),
        on_inconclusive="fail",
        store_prompts="hash",
        volatile=("$.metadata.request_id", "$.messages[*].id"),
    )
    case = suite.case("a")
    assert (case.line, case.samples) == (17, 6)
    assert case.messages == (
        Message(
            role="system",
            content="[context: c.md]\nRule one.\n\n[context: d.md]\nRule two.\n\nBe brief.",
        ),
        Message(role="user", content="${HOME}"),
    )
    assert case.response_schema == {"type": "object"}
    assert [tool.name for tool in case.tools] == ["look"]
    parameters = case.parameters
    assert (parameters.temperature, parameters.max_output_tokens) == (0.0, 50)
    assert (parameters.stop, parameters.tool_choice, parameters.seed) == (("END",), "look", None)
    assert [(spec.label, spec.mode, spec.rate) for spec in case.checks] == [
        ("conforms", CheckMode.NO_WORSE, None),
        ("finish_reason:stop|end_turn", CheckMode.ALWAYS, None),
        (r"matches:^\{", CheckMode.RATE, 0.98),
    ]
    assert [spec.label for spec in case.metrics] == [
        "label:$.priority",
        "number:$.refund",
        "text",
        "ttft_s",
    ]


def test_fills_in_what_is_not_said(folder):
    suite = folder.load(WHOLE.replace("samples: 4, ", ""), **FILES)
    case = suite.case("b")
    assert case.samples == 10
    assert case.messages == (Message(role="user", content="hi"),)
    assert case.checks == ()
    assert [spec.name for spec in case.metrics] == [
        "text",
        "output_tokens",
        "refusal",
        "tool_calls",
    ]


def test_a_check_without_argument_can_have_a_mode(folder):
    text = WHOLE.replace("      - conforms\n", "      - conforms:\n        mode: always\n")
    check = folder.load(text, **FILES).case("a").checks[0]
    assert (check.label, check.argument, check.mode) == ("conforms", None, CheckMode.ALWAYS)


def test_system_message_may_stand_among_the_messages(folder):
    inline = WHOLE.replace("    system: Be brief.\n", "").replace(
        'messages: [{role: user, content: "${HOME}"}]',
        'messages: [{role: system, content: Be brief.}, {role: user, content: "${HOME}"}]',
    )
    first, second = folder.load(WHOLE, **FILES), folder.load(inline, **FILES)
    assert first.case("a").messages == second.case("a").messages
    assert first.fingerprint == second.fingerprint


def test_comments_formatting_key_order_and_place_do_not_matter(folder, tmp_path):
    before = folder.load(WHOLE, **FILES)
    shuffled = WHOLE.replace("suite: mail\nversion: 2.1.0-rc.1\n", "")
    shuffled = "# a comment\nversion: '2.1.0-rc.1'\n" + shuffled + 'suite: "mail"\n'
    shuffled = shuffled.replace(
        "    samples: 6\n    temperature: 0\n", "    temperature: 0.0 # cold\n\n    samples: 6\n"
    )
    after = folder.load(shuffled, schema__json='{\n\t"type":\n"object"}', **FILES)
    assert after.fingerprint == before.fingerprint
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for path in folder.path.glob("*.*"):
        (moved / path.name).write_bytes(path.read_bytes())
    suite = load_suite(moved / "mail.contract.yaml", providers=PROVIDERS)
    assert suite.fingerprint == before.fingerprint


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("Be brief.", "Be short.", "messages"),
        ("${HOME}", "${PWD}", "messages"),
        ("tool_choice: look", "tool_choice: auto", "parameters"),
        ("temperature: 0\n", "temperature: 0.1\n", "parameters"),
    ],
)
def test_editing_one_case_leaves_the_others_comparable(folder, old, new, part):
    before = folder.load(WHOLE, **FILES)
    after = folder.load(WHOLE.replace(old, new), **FILES)
    assert after.case("b").request_fingerprint == before.case("b").request_fingerprint
    assert after.case("a").request_fingerprint != before.case("a").request_fingerprint
    assert after.fingerprint != before.fingerprint
    assert _changed_parts(before, after, "a") == {part}


@pytest.mark.parametrize(
    ("files", "part"),
    [
        ({"c__md": "Rule 1.\n"}, "context c.md"),
        ({"d__md": "Rule 2.\n"}, "context d.md"),
        ({"schema__json": '{"type": "object", "title": "T"}'}, "schema"),
    ],
)
def test_a_changed_file_is_named_as_our_change(folder, files, part):
    before = folder.load(WHOLE, **FILES)
    after = folder.load(WHOLE, **(FILES | files))
    assert _changed_parts(before, after, "a") == {part}
    assert after.case("b").request_fingerprint == before.case("b").request_fingerprint


def test_the_order_of_properties_in_a_schema_is_part_of_the_request(folder):
    """Models write properties in the order in which they are shown."""
    shown = {"a": {"type": "string"}, "b": {"type": "number"}}
    turned = dict(reversed(shown.items()))
    first = folder.load(WHOLE, schema__json=json.dumps({"properties": shown}), **FILES)
    second = folder.load(WHOLE, schema__json=json.dumps({"properties": turned}), **FILES)
    assert _changed_parts(first, second, "a") == {"schema"}


def test_what_may_differ_on_replay_judges_nothing(folder):
    """Accepted nights stay comparable when a field is declared volatile."""
    before = folder.load(WHOLE, **FILES)
    after = folder.load(WHOLE.replace("volatile: [$.metadata.request_id, ", "volatile: ["), **FILES)
    assert after.policy != before.policy
    assert after.fingerprint == before.fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rate: 0.98", "rate: 0.97"),
        ("[stop, end_turn]", "[stop]"),
        ("mode: always", "mode: no-worse"),
        ("      - conforms\n", ""),
        ("$.priority", "$.category"),
        (", text, ttft_s", ""),
        ("alarm_budget: 0.05/year", "alarm_budget: 0.10/year"),
        ("ttft: 1.25x", "ttft: 1.5x"),
        ("samples: 6", "samples: 7"),
        ("same_model: true", "same_model: false"),
        ("2.1.0-rc.1", "2.1.0"),
    ],
)
def test_changing_the_rules_changes_the_suite_only(folder, old, new):
    before = folder.load(WHOLE, **FILES)
    after = folder.load(WHOLE.replace(old, new), **FILES)
    assert after.fingerprint != before.fingerprint
    for case in before.cases:
        assert after.case(case.id).request_fingerprint == case.request_fingerprint


@pytest.mark.parametrize(
    ("old", "new", "is_other"),
    [
        ("rate: 0.98", "rate: 0.97", False),
        ("mode: always", "mode: no-worse", False),
        ("      - conforms\n", "", True),
        ("$.priority", "$.category", False),
        ("samples: 6", "samples: 7", False),
        ("2.1.0-rc.1", "2.1.0", False),
    ],
)
def test_other_checks_are_told_by_case(folder, old, new, is_other):
    before, after = (folder.load(t, **FILES) for t in (WHOLE, WHOLE.replace(old, new)))
    pairs = [(case, after.case(case.id)) for case in before.cases]
    moved = [old.id for old, new in pairs if digest_checks(old) != digest_checks(new)]
    looks = [[[(spec.name, spec.argument) for spec in case.checks] for case in p] for p in pairs]
    assert moved == [
        pair[0].id for pair, (old, new) in zip(pairs, looks, strict=True) if old != new
    ]
    assert bool(moved) is is_other


def _changed_parts(before, after, case_id) -> set[str]:
    old, new = (suite.case(case_id).fingerprint_parts for suite in (before, after))
    assert old.keys() == new.keys()
    return {name for name in old if old[name] != new[name]}


def test_finds_suites_below_folders_in_order(tmp_path):
    for name in [
        "b/x.contract.yaml",
        "a/z.contract.yaml",
        "a/y.contract.yaml",
        "a/y.yaml",
        ".venv/v.contract.yaml",
        "odd.yml",
    ]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    found = find_suites([tmp_path, tmp_path / "odd.yml", tmp_path / "a" / "y.contract.yaml"])
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "a/y.contract.yaml",
        "a/z.contract.yaml",
        "b/x.contract.yaml",
        "odd.yml",
    ]
    with pytest.raises(SuiteError, match=r"gone: no such file or folder"):
        find_suites([tmp_path / "gone"])


def test_a_suite_named_in_two_ways_is_one(tmp_path, monkeypatch):
    (tmp_path / "suites").mkdir()
    path = tmp_path / "suites" / "a.contract.yaml"
    path.write_text("")
    monkeypatch.chdir(tmp_path)
    relative = Path("suites/a.contract.yaml")
    again = Path("suites/../suites/a.contract.yaml")
    assert find_suites([relative, path, again, Path("suites")]) == (relative,)
    assert find_suites([path, relative]) == (path,)


def test_shipped_suites_load():
    suites = load_suites(find_suites([SHIPPED]), providers=PROVIDERS)
    assert [suite.name for suite in suites] == ["order-tools", "support-triage"]
    for suite in suites:
        assert Path(suite.path).parent.name == suite.name
        assert [target.provider for target in suite.targets] == ["openai", "anthropic"]
        assert all(target.is_pinned for target in suite.targets)
        assert 5 <= len(suite.cases) <= 8
        assert all(case.samples >= 8 and case.checks for case in suite.cases)
    tools = suites[0]
    assert {case.parameters.tool_choice for case in tools.cases} == {None, "none", "lookup_order"}
    assert all(case.response_schema for case in suites[1].cases)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
WORDS = st.sampled_from(
    ["suite", "version", "targets", "cases", "id", "messages", "role", "user", "content", "checks",
     "metrics", "mode", "rate", "always", "text", "label", "conforms", "matches", "policy", "watch",
     "margins", "ttft", "1.0.0", "openai:m", "a", "tools", "context", "..", "tool.json", "schema.json",
     "response_schema", "system", "tool_choice", "defaults", "samples", "stop", "1.25x", "0.1/year"]
)  # fmt: skip
LIKELY = st.recursive(
    WORDS | st.integers(-2, 3) | st.none() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)
CASES = st.lists(st.dictionaries(WORDS, LIKELY | JSON, max_size=5), max_size=3)
HEAD = st.fixed_dictionaries(
    {"suite": st.just("s") | LIKELY, "version": st.just("1.0.0") | LIKELY, "cases": CASES | LIKELY},
    optional={"targets": st.just(["openai:m"]) | LIKELY, "policy": LIKELY, "defaults": LIKELY},
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | (JSON | LIKELY | HEAD).map(lambda value: json.dumps(value).encode()))
def test_any_file_is_loaded_or_refused(folder, data):
    suite, problems = None, ()
    try:
        suite = folder.load(data)
    except SuiteError as error:
        problems = error.problems
    assert (suite is None) == bool(problems)
    assert all(str(problem).isprintable() for problem in problems)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | (JSON | LIKELY).map(lambda value: json.dumps(value).encode()))
def test_any_named_file_is_used_or_refused(folder, data):
    folder.write(
        "suite: s\nversion: 1.0.0\ntargets: [openai:m]\ncases:\n  - id: a\n"
        "    messages: [{role: user, content: x}]\n"
        "    response_schema: x.json\n    tools: [x.json]\n    context: [x.json]\n"
    )
    (folder.path / "x.json").write_bytes(data)
    with pytest.raises(SuiteError) as caught:  # nothing is a schema and a tool at once
        load_suite(folder.file, providers=PROVIDERS)
    assert all(str(problem).isprintable() for problem in caught.value.problems)
