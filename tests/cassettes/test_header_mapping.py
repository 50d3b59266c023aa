"""A run keeps by what it was asked and judged, so that it can be read without the suite."""

from dataclasses import replace

import pytest

from contractcheck.cassettes.headers import decode_header, encode_header
from contractcheck.errors import RecordingError
from contractcheck.model.run import CasePlan
from contractcheck.model.target import Target
from contractcheck.model.wire_mapping import read_mapping

MAPPING = {
    "path": "/ask",
    "key": {"variable": "CONTRACTCHECK_GW_KEY", "header": "x-key"},
    "body": {"q": "{prompt}", "n": 3},
    "answer": {"text": "$.text"},
    "stream": {"text": "$.piece", "end": "[DONE]"},
}


def test_a_mapping_goes_round(make_header):
    target = Target(provider="http", model="m", mapping=read_mapping(MAPPING))
    header = make_header(target=target)
    written = encode_header(header)
    assert written["target"]["mapping"] == MAPPING
    assert decode_header(written, "x") == header


def test_other_targets_are_written_as_they_always_were(make_header):
    target = Target(provider="openai", model="m")
    assert set(encode_header(make_header(target=target))["target"]) == {
        "provider",
        "model",
        "base_url",
    }


def test_the_digest_of_a_cases_checks_goes_round_and_may_be_lacking(make_header):
    plan = CasePlan(samples=1, request_fingerprint="r", parts={}, checks="c1")
    header = replace(make_header(), cases={"a": plan, "b": replace(plan, checks="")})
    written = encode_header(header)
    assert [name for name, case in written["cases"].items() if "checks" in case] == ["a"]
    assert decode_header(written, "x") == header


def nested(depth):
    value = "{prompt}"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "mapping",
    [
        5,
        {**MAPPING, "path": "//evil.example"},
        {**MAPPING, "key": {"variable": "AWS_SECRET_ACCESS_KEY"}},
        {**MAPPING, "body": {"q": nested(5000)}},
    ],
)
def test_a_damaged_mapping_is_a_damaged_header(make_header, mapping):
    target = Target(provider="http", model="m", mapping=read_mapping(MAPPING))
    written = encode_header(make_header(target=target))
    written["target"]["mapping"] = mapping
    with pytest.raises(RecordingError, match="the run header is damaged"):
        decode_header(written, "x")
