"""A run keeps the mapping by which it was asked, so that it can be read without the suite."""

import pytest

from contractcheck.cassettes.headers import decode_header, encode_header
from contractcheck.errors import RecordingError
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
