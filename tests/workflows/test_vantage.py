"""Where and how a target is asked, in words that differ when that does."""

from __future__ import annotations

import copy

import pytest

from contractcheck.model.target import Target
from contractcheck.model.wire_mapping import read_mapping
from contractcheck.workflows.vantage import describe_address

MAPPING = {
    "path": "/chat",
    "body": {"prompt": "{prompt}"},
    "answer": {"text": "$.text"},
}


def gateway(**changed):
    mapping = read_mapping({**copy.deepcopy(MAPPING), **changed})
    return Target(provider="http", model="m", mapping=mapping)


@pytest.mark.parametrize("port", [1234, 8080])
def test_a_server_on_this_machine_is_the_same_on_every_port(port):
    target = Target(provider="openai", model="m")
    assert describe_address(target, f"http://127.0.0.1:{port}") == "this machine"


def test_an_address_tells_host_path_and_place():
    target = Target(provider="gemini", model="m", region="eu-1", api_version="v1beta")
    words = describe_address(target, "https://llm.example/team")
    assert words == "llm.example/team eu-1 v1beta"


def test_what_a_mapping_sends_is_part_of_the_address_and_what_it_reads_is_not():
    url = "https://llm.example"
    plain = describe_address(gateway(), url)
    assert describe_address(gateway(answer={"text": "$.words"}), url) == plain
    others = {
        describe_address(gateway(path="/talk"), url),
        describe_address(gateway(body={"prompt": "{prompt}", "hot": True}), url),
        describe_address(gateway(headers={"x-team": "a"}), url),
    }
    assert len({plain, *others}) == 4
