"""A target of the provider http names a mapping file; its problems have file and line."""

import json
import re

import pytest

from contractcheck.errors import SuiteError
from contractcheck.model.wire_mapping import read_mapping
from contractcheck.suite import load_suite

SUITE = """\
suite: mail
version: 1.0.0
targets:
  - {target: "http:house-model", base_url: "http://127.0.0.1:9/api", mapping: MAPPING}
cases:
  - id: a
    messages: [{role: user, content: Hi}]
"""
MAPPING = """\
# how the house gateway is asked
path: /v1/ask
body:
  q: "{prompt}"
  limit: "{max_output_tokens}"
answer:
  text: $.answer
"""


@pytest.fixture
def load(tmp_path):
    def load(mapping=MAPPING, suite=SUITE, name="gateway.yaml"):
        (tmp_path / "gateway.yaml").write_text(mapping)
        path = tmp_path / "mail.contract.yaml"
        path.write_text(suite.replace("MAPPING", name))
        return load_suite(path, providers=("anthropic", "http", "openai"))

    return load


def errors(load, **changed):
    with pytest.raises(SuiteError) as caught:
        load(**changed)
    return re.sub(r"(?m)^/\S*/", "", str(caught.value)).splitlines()


def test_the_mapping_comes_with_the_target(load):
    (target,) = load().targets
    assert target.mapping == read_mapping(
        {
            "path": "/v1/ask",
            "body": {"q": "{prompt}", "limit": "{max_output_tokens}"},
            "answer": {"text": "$.answer"},
        }
    )
    assert target.id == "http:house-model"
    assert "answer" not in repr(target)


@pytest.mark.parametrize(
    "text", [json.dumps({"path": "/a", "body": {"q": "{messages}"}, "answer": {"text": "$"}})]
)
def test_a_mapping_may_be_json(load, text):
    assert load(mapping=text).targets[0].mapping.path == "/a"


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("$.answer", "answer", ["gateway.yaml:7: answer.text: expected a JSONPath such as $.text"]),
        (
            '"{prompt}"',
            '"{prompt}!"',
            [
                'gateway.yaml:3: body: asks nothing: write "{messages}", "{conversation}" or "{prompt}"',
                "gateway.yaml:4: body.q: a placeholder stands alone; no texts are put together",
            ],
        ),
        (
            "path: /v1/ask",
            "path: /v1/ask\nheaders: {Authorization: secret-word}",
            [
                "gateway.yaml:3: headers.authorization: may carry a credential: name its variable under key, not its value",
            ],
        ),
        (
            'q: "{prompt}"',
            'q: "{prompt}"\n  k: "${HOME}"',
            [
                "gateway.yaml:5: ${…} is read in the auth of a target only; a mapping holds no variables"
            ],
        ),
    ],
)
def test_what_is_wrong_has_file_line_and_place(load, old, new, lines):
    assert errors(load, mapping=MAPPING.replace(old, new)) == lines


def test_a_mapping_that_is_no_yaml_is_told_with_its_line(load):
    (line,) = errors(load, mapping=MAPPING.replace("path:", "- path:"))
    assert line.startswith("gateway.yaml:3: ")


def test_a_path_that_is_none_is_told_with_its_line(load):
    (line,) = errors(load, mapping=MAPPING.replace("$.answer", "$.answer["))
    assert line.startswith("gateway.yaml:7: answer.text: '$.answer[' is not a JSONPath of RFC 9535")


@pytest.mark.parametrize("name", ["../gateway.yaml", "/etc/passwd", "missing.yaml"])
def test_only_files_of_the_suites_folder_are_read(load, name):
    (line,) = errors(load, name=name)
    assert line.startswith(
        ("mail.contract.yaml:4: targets[0].mapping: ", "gateway.yaml'", "passwd'")
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (", mapping: MAPPING", "", "provider http needs a mapping of how it is asked and read"),
        ("http:house-model", "openai:m", "only provider http has a mapping; openai has a wire of"),
        ("mapping: MAPPING", "mapping: 5", "mapping: expected a file such as gateway.yaml"),
    ],
)
def test_a_mapping_belongs_to_the_provider_http(load, old, new, words):
    (line,) = errors(load, suite=SUITE.replace(old, new))
    assert words in line
