"""Cassettes of other projects: each layout imports, or the refusal says exactly why not."""

from __future__ import annotations

import base64
import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
import vcr.serialize
import yaml  # noqa: TID251 - writes what others write
from hypothesis import given, settings
from hypothesis import strategies as st
from vcr.serializers import jsonserializer, yamlserializer

from contractcheck.cassettes.vcr_files import read_cassette
from contractcheck.errors import UsageError

CORPUS = Path(__file__).parent / "vcr_corpus"
ACCEPTED = {
    "before_1_0.json": 1,
    "before_1_0.yaml": 1,
    "binary_gzip.yaml": 1,
    "cassetter.yaml": 2,
    "httpx_4.yaml": 1,
    "httpx_chat.yaml": 1,
    "parsed_body.yaml": 1,
    "python2_unicode.yaml": 1,
    "repeated_with_aliases.yaml": 3,
    "requests_decoded.yaml": 1,
    "side_by_side.yaml.gz": 1,
    "sparse.json": 3,
    "stream_bodies.yaml": 2,
}
REFUSED = {
    "alias_bomb.yaml": ":8: stands for more than 134217728 characters",
    "alias_of_itself.yaml": ":2: alias *all of nothing that stands before it",
    "bad_second.yaml": ": interaction 2: response status '99' is not an HTTP status code",
    "betamax.json": ": not a vcrpy cassette: written by Betamax (http_interactions)",
    "cut.yaml.gz": ": a body coded as gzip ends too early: it was cut off",
    "deep.yaml": ":1: nested deeper than 50 levels",
    "duplicate_key.yaml": ":4: key 'method' given twice",
    "empty.yaml": ": is empty: nothing was recorded in it",
    "evil_state.yaml": ":4: tag tag:yaml.org,2002:python/name:exec is not data; it is not read",
    "evil_tag.yaml": ":3: tag tag:yaml.org,2002:python/object/apply:os.system is not data; it is not read",
    "go_vcr.yaml": ": not a vcrpy cassette: written by go-vcr (request.url, request.form)",
    "go_vcr_3.yaml": ": not a vcrpy cassette: written by go-vcr (request.url, request.form)",
    "header_break.json": ": interaction 1: response headers: Date holds a line break",
    "latin1.yaml": ": not UTF-8 at byte 67; save it as UTF-8",
    "lopsided.yaml": ": 1 requests and 2 responses",
    "no_interactions.yaml": ": holds no interaction: there is nothing to import",
    "not_base64.yaml": ":2: tag !!binary on what is not base64",
    "php_vcr.yml": ": not a vcrpy cassette: its requests have a url and no uri, as php-vcr, ExVCR and go-vcr write it",
    "polly.har.json": ": not a vcrpy cassette: a HAR file (log.entries)",
    "ruby_vcr.yml": ": not a vcrpy cassette: written by Ruby VCR (http_interactions)",
    "suite_not_cassette.yaml": ": not a vcrpy cassette: no interactions; its keys are cases, suite, version",
    "surrogate.json": ": interaction 1: response body holds half of a surrogate pair, which is not text",
    "truncated.json": ": not JSON: Unterminated string starting at (line 1 column 56)",
    "truncated.yaml": ":4: neither YAML nor JSON: found unexpected end of stream",
    "two_documents.yaml": ":2: a second document begins; a cassette is one",
    "typed_oddly.yaml": ": interaction 1: request body is of an unknown type",
    "version_2.yaml": ": version '2'; vcrpy cassettes are of version 1",
}


def read(name):
    return read_cassette((CORPUS / name).read_bytes(), name)


def make_file(**request):
    fields = {"method": "GET", "uri": "http://example.com/", "body": None, "headers": {}}
    response = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "x"}}
    interaction = {"request": {**fields, **request}, "response": response}
    return {"interactions": [interaction], "version": 1}


def test_every_file_of_the_corpus_has_its_place():
    assert {path.name for path in CORPUS.iterdir()} == ACCEPTED.keys() | REFUSED.keys()


@pytest.mark.parametrize(("name", "count"), ACCEPTED.items())
def test_each_layout_that_vcrpy_wrote_is_read(name, count):
    assert len(read(name)) == count


@pytest.mark.parametrize(("name", "why"), REFUSED.items())
def test_whatever_else_is_refused_with_its_place_and_reason(name, why):
    with pytest.raises(UsageError) as caught:
        read(name)
    assert str(caught.value) == f"{name}{why}"


def test_no_tag_runs_anything(tmp_path, monkeypatch):
    monkeypatch.setattr("os.system", lambda command: pytest.fail(f"ran {command}"))
    for tag in ("object/apply:os.system", "object/new:os.system", "name:os.system", "module:os"):
        text = f"interactions: !!python/{tag} [x]"
        with pytest.raises(UsageError, match="is not data"):
            read_cassette(text.encode(), "evil.yaml")


def test_an_alias_bomb_costs_no_memory():
    tracemalloc.start()
    try:
        with pytest.raises(UsageError):
            read("alias_bomb.yaml")
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10 << 20


def test_an_old_request_is_put_together_from_its_parts():
    (found,) = read("before_1_0.yaml")
    assert found.url == "http://example.com:8080/a?b=1"
    assert found.request_headers == (("Accept", "*/*"), ("User-Agent", "python-requests/1.2.3"))
    assert found.response_headers == (("Content-Type", "text/plain"), ("Server", "nginx"))
    (other,) = read("before_1_0.json")
    assert other.url == "https://example.com/"


def test_repeated_response_headers_are_all_kept():
    (found,) = read("httpx_chat.yaml")
    cookies = [value for name, value in found.response_headers if name == "Set-Cookie"]
    assert cookies == ["__cf_bm=one; path=/", "_cfuvid=two; path=/"]
    assert "Héllo" in found.response_body.decode()


def test_aliases_that_pyyaml_writes_are_followed():
    found = read("repeated_with_aliases.yaml")
    assert [one.response_body for one in found] == [b"first", b"second", b"third"]
    assert len({one.request_body for one in found}) == 1


def test_bodies_that_were_streams_are_read_as_their_content():
    file, parts = read("stream_bodies.yaml")
    assert file.request_body == b"raw file"
    assert parts.request_body == b"onetwo"
    assert parts.status == 200


def test_a_body_that_was_stored_parsed_is_spelled_anew():
    (found,) = read("parsed_body.yaml")
    assert json.loads(found.request_body) == {
        "max_tokens": 1024,
        "messages": [{"content": "What is 'yes'?", "role": "user"}],
        "model": "claude-sim",
        "stream": False,
        "temperature": 0.5,
    }
    assert json.loads(found.response_body)["content"][0]["text"] == "1e3"
    assert json.loads(found.response_body)["stop_sequence"] is None


def test_typed_bodies_are_read_by_their_type():
    chat, file = read("cassetter.yaml")
    assert json.loads(chat.request_body) == {
        "max_tokens": 10,
        "model": "claude-sim",
        "system": "Say yes.\n\n",
        "tools": [],
    }
    assert chat.response_body == b'event: ping\ndata: {"type": "ping"}\n\n'
    assert (file.request_body, file.response_body) == (b"", b"\xff\x00")


def test_requests_and_responses_side_by_side_are_paired():
    (found,) = read("side_by_side.yaml.gz")
    assert found.url == "https://api.openai.com/v1/responses"
    assert (found.request_body, found.response_body) == (b'{"model": "gpt-sim"}', b'{"id": "r1"}')


def test_missing_parts_are_empty():
    bare, dense, listed = read("sparse.json")
    assert (bare.method, bare.status, bare.reason, bare.response_body) == ("GET", 204, "", b"")
    assert (dense.status, dense.reason, dense.response_body) == (404, "Not Found", b"\xff")
    assert dense.response_headers == (("X", "1"), ("Retry-After", "2"), ("Retry-After", "3"))
    assert listed.request_headers == (("Accept", "a"), ("Accept", "b"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(encoding):
    text = (CORPUS / "httpx_chat.yaml").read_text()
    assert read_cassette(text.encode(encoding), "x.yaml") == read("httpx_chat.yaml")


def test_a_file_that_is_too_large_is_not_parsed():
    with pytest.raises(UsageError, match="at most 67108864 are read"):
        read_cassette(b" " * ((64 << 20) + 1), "huge.yaml")


def test_a_packed_file_that_holds_too_much_is_not_unpacked():
    with pytest.raises(UsageError, match=r"bomb\.yaml\.gz: .*67108864"):
        read_cassette(gzip.compress(b" " * ((64 << 20) + 1), 1), "bomb.yaml.gz")


@pytest.mark.parametrize(
    "secret", ["sk-proj-Zq81nVtR5mPx0aLwKd93", "Bearer abcdefghijklmnopqrstuvwx"]
)
@pytest.mark.parametrize(
    "break_it",
    [
        {"uri": "ftp://example.com/?key={}"},
        {"method": "GET {}"},
        {"headers": ["{}"]},
        {"headers": {"{} x": "y"}},
        {"body": {"other": "{}"}},
    ],
)
def test_a_refusal_never_quotes_what_may_be_a_secret(secret, break_it):
    broken = json.loads(json.dumps(break_it).replace("{}", secret))
    with pytest.raises(UsageError, match="interaction 1") as caught:
        read_cassette(json.dumps(make_file(**broken)).encode(), "x.json")
    assert secret not in str(caught.value)


bodies = st.binary(max_size=60) | st.text(max_size=60).map(str.encode)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,10}", fullmatch=True)


@settings(deadline=None)
@given(
    interactions=st.lists(
        st.tuples(
            bodies,
            bodies,
            st.dictionaries(names, texts, max_size=2),
            st.dictionaries(names, st.lists(texts, min_size=1, max_size=2), max_size=2),
        ),
        min_size=1,
        max_size=3,
    ),
    style=st.sampled_from([yamlserializer, jsonserializer]),
)
def test_what_vcrpy_writes_is_read_as_vcrpy_reads_it(interactions, style):
    if style is jsonserializer:
        interactions = [
            (base64.b64encode(a), base64.b64encode(b), c, d) for a, b, c, d in interactions
        ]
    requests = [
        vcr.request.Request("POST", "http://example.com/ä?q=1", sent, headers)
        for sent, _, headers, _ in interactions
    ]
    responses = [
        {"status": {"code": 200, "message": "OK"}, "headers": headers, "body": {"string": got}}
        for _, got, _, headers in interactions
    ]
    text = vcr.serialize.serialize({"requests": requests, "responses": responses}, style)
    found = read_cassette(text.encode(), "x.yaml" if style is yamlserializer else "x.json")
    theirs = vcr.serialize.deserialize(text, style)
    for one, request, response in zip(found, *theirs, strict=True):
        assert one.request_body == (request.body or b"")
        assert one.response_body == (response["body"]["string"] or b"")
        assert one.url == request.uri
        assert dict(one.request_headers) == dict(request.headers)
        grouped = {}
        for name, value in one.response_headers:
            grouped.setdefault(name, []).append(value)
        assert grouped == response["headers"]


look_alikes = st.text("0123456789.+-eE_:xXonyfalstrue~ ", max_size=8)
json_documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | look_alikes
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(look_alikes, inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(document=json_documents)
def test_json_that_was_stored_as_yaml_keeps_its_types(document):
    stored = make_file()
    del stored["interactions"][0]["request"]["body"]
    stored["interactions"][0]["request"]["parsed_body"] = document
    text = yaml.safe_dump(stored, allow_unicode=True)
    (found,) = read_cassette(text.encode(), "x.yaml")
    # PyYAML itself reads a line separator that it wrote as a blank.
    again = yaml.safe_load(text)["interactions"][0]["request"]["parsed_body"]
    assert json.loads(found.request_body) == again


def seeds():
    return [path.read_bytes() for path in sorted(CORPUS.iterdir())]


@st.composite
def damaged(draw):
    """A file of the corpus with pieces cut out, doubled, moved in or overwritten."""
    data = draw(st.sampled_from(seeds()))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 40)))
        other = draw(st.sampled_from(seeds()))
        piece = draw(
            st.binary(max_size=8)
            | st.just(data[start:end] * 2)
            | st.sampled_from([b"!!python/object/apply:os.system [x]", b"*a", b"&a ", b"- ", b"? "])
            | st.integers(0, max(0, len(other) - 40)).map(
                lambda at, other=other: other[at : at + 40]
            )
        )
        data = data[:start] + piece + data[end:]
    return data


@settings(deadline=None, max_examples=400)
@given(data=damaged() | st.binary(max_size=200), suffix=st.sampled_from(["yaml", "json", "txt"]))
def test_any_file_is_read_or_refused_by_name(data, suffix):
    try:
        found = read_cassette(data, f"fuzzed.{suffix}")
    except UsageError as error:
        assert str(error).startswith(f"fuzzed.{suffix}:")  # noqa: PT017 - either way is good
    else:
        assert found
        assert all(100 <= one.status <= 599 for one in found)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(
    place=st.sampled_from(
        [
            ("request",),
            ("response",),
            ("request", "headers"),
            ("response", "headers"),
            ("request", "body"),
            ("response", "body"),
            ("response", "status"),
            ("request", "uri"),
            ("request", "method"),
        ]
    ),
    value=json_values,
)
def test_any_value_in_any_place_is_read_or_refused_by_name(place, value):
    document = make_file()
    inner = document["interactions"][0]
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    try:
        found = read_cassette(json.dumps(document).encode(), "odd.json")
    except UsageError as error:
        assert str(error).startswith("odd.json:")  # noqa: PT017 - either way is good
    else:
        assert len(found) == 1


def test_a_compressed_body_comes_back_as_it_was():
    (found,) = read("binary_gzip.yaml")
    assert gzip.decompress(found.response_body) == b'{"data": [{"id": "gpt-sim"}]}'
