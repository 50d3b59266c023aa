from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from contractcheck.checks import CHECKS
from contractcheck.errors import SuiteError
from contractcheck.metrics import METRICS
from contractcheck.model.json_text import parse_json
from contractcheck.suite import suite_schema
from contractcheck.suite.schema import shipped_schema
from contractcheck.suite.yaml_reader import read_yaml

SUITES = sorted((Path(__file__).parents[2] / "suites").rglob("*.contract.yaml"))
VALIDATOR = Draft202012Validator(parse_json(suite_schema()))

BASE = """\
suite: mail
version: 1.0.0
targets: [openai:m]
cases:
  - id: a
    messages: [{role: user, content: hi}]
"""


def test_the_shipped_schema_is_current():
    assert shipped_schema() == suite_schema()


def test_it_is_a_schema_that_names_every_check_and_metric():
    Draft202012Validator.check_schema(parse_json(suite_schema()))
    for name in (*CHECKS, *METRICS):
        assert f'"{name}"' in suite_schema()


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.parent.name)
def test_editors_accept_the_shipped_suites(path):
    value = read_yaml(path.read_bytes(), file=str(path)).value
    assert [error.message for error in VALIDATOR.iter_errors(value)] == []


@pytest.mark.parametrize(
    "text",
    [
        BASE + "description: x\n",
        BASE + "    smaples: 3\n",
        BASE + "    samples: '3'\n",
        BASE + "    samples: 0\n",
        BASE + "    checks: [conform]\n",
        BASE + "    checks: [contains]\n",
        BASE + "    checks: [{conforms: x}]\n",
        BASE + "    checks: [{contains: a, mode: never}]\n",
        BASE + "    checks: [{contains: a, mode: {rate: 2}}]\n",
        BASE + "    checks: [{matches: a, contains: b}]\n",
        BASE + "    metrics: [txt]\n",
        BASE + "    metrics: [label]\n",
        BASE + "    metrics: [{text: x}]\n",
        BASE.replace("id: a", "id: A"),
        BASE.replace("1.0.0", "'1.0'"),
        BASE.replace("openai:m", "openai"),
        BASE.replace("role: user", "role: usr"),
        BASE + "policy: {watch: {alarm_budget: 0.1}}\n",
        BASE + "policy: {margins: {ttft: 1.2}}\n",
        BASE + "policy: {margins: {conformance: 2}}\n",
        BASE + "policy: {on_inconclusive: no}\n",
    ],
)
def test_editors_and_loader_refuse_alike(folder, text):
    value = read_yaml(text.encode(), file="x").value
    assert not VALIDATOR.is_valid(value)
    with pytest.raises(SuiteError):
        folder.load(text)


def test_editors_accept_what_the_loader_accepts(folder):
    text = BASE + (
        "    checks: [{contains: [a, b], mode: {rate: 0.9}}, {matches: x, mode: always}, {contains: c}]\n"
        "    metrics: [text, label: $.a, number: '([0-9]+)', total_s]\n"
        "policy: {watch: {alarm_budget: 0.2/year}, margins: {conformance: -0.02, ttft: 1.25x}}\n"
    )
    assert folder.load(text).cases
    assert [
        error.message for error in VALIDATOR.iter_errors(read_yaml(text.encode(), file="x").value)
    ] == []
