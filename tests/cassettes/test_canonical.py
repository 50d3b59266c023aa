import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.cassettes.canonical import (
    VOLATILE,
    Canonicalisation,
    canonical_place,
    canonical_request,
)
from contractcheck.errors import UsageError
from contractcheck.redaction import Scrubber

NOBODYS = Scrubber.for_secrets(())
URL = "https://api.example.com/v1/chat?beta=true&model=m"
BODY = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}], "n": 1}'
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=10,
)


def digest(method="POST", url=URL, headers=(), body=BODY, scrubber=NOBODYS, **rule):
    request = canonical_request(
        method, url, headers, body, scrubber=scrubber, rule=Canonicalisation(**rule)
    )
    return request.digest()


@settings(deadline=None)
@given(JSON_VALUES)
def test_a_json_body_counts_by_value(value):
    def turned(item):
        if isinstance(item, dict):
            return {key: turned(item[key]) for key in reversed(item)}
        return [turned(one) for one in item] if isinstance(item, list) else item

    written = json.dumps(value).encode()
    rewritten = json.dumps(turned(value), indent=2, ensure_ascii=False).encode()
    assert digest(body=written) == digest(body=rewritten)


@settings(deadline=None)
@given(JSON_VALUES, JSON_VALUES)
def test_different_values_are_different_requests(left, right):
    # Python takes True for 1; JSON does not.
    differ = json.dumps(left, sort_keys=True) != json.dumps(right, sort_keys=True)
    digests = digest(body=json.dumps(left).encode()), digest(body=json.dumps(right).encode())
    assert (digests[0] != digests[1]) == differ


@settings(deadline=None)
@given(JSON_VALUES)
def test_the_value_of_a_body_can_be_told_again(value):
    body = json.dumps(value).encode()
    told = canonical_request("POST", URL, (), body, scrubber=NOBODYS).body
    assert json.dumps(told, sort_keys=True) == json.dumps(value, sort_keys=True)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_a_place_that_is_known_gives_the_same_identity(rest):
    rule = Canonicalisation(query=("q",))
    for url in (URL + rest, "/" + rest, f"http://127.0.0.1:9/v1?q={rest}"):
        try:
            place = canonical_place(url, scrubber=NOBODYS, rule=rule)
        except ValueError:
            continue
        both = [
            canonical_request("POST", url, (), BODY, scrubber=NOBODYS, rule=rule, place=known)
            for known in (None, place)
        ]
        assert both[0] == both[1]
        assert both[0].digest() == both[1].digest()


@settings(deadline=None)
@given(st.binary(), st.binary())
def test_any_bytes_have_an_identity(left, right):
    if left == right:
        assert digest(body=left) == digest(body=right)
    assert len(digest(body=left)) == 32


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:4711",
        "https://localhost",
        "http://[::1]:80",
        "http://127.0.0.2",
        "HTTP://LOCALHOST:1",
    ],
)
def test_every_server_on_this_machine_is_one_host(place):
    assert digest(url=place + "/v1") == digest(url="http://127.0.0.1:9/v1")


def test_host_counts_scheme_port_and_user_do_not():
    same = {
        digest(url="https://api.example.com/v1"),
        digest(url="http://api.example.com:8080/v1"),
        digest(url="https://user:secret@API.example.com/v1"),
    }
    assert len(same) == 1
    assert digest(url="https://api.example.org/v1") not in same
    assert digest(url="http://127.0.0.1/v1") not in same


def test_what_an_aws_request_is_about_counts():
    get, put = (digest(headers=(("X-Amz-Target", f"Dynamo.{name}"),)) for name in ("Get", "Put"))
    assert len({get, put, digest()}) == 3
    assert digest(headers=(("x-amz-target", "Dynamo.Get"),)) == get


@pytest.mark.parametrize("number", [2**63, 2**64 + 1, 123456789012345678901234, -(10**30)])
def test_integers_of_any_size_count(number):
    near = {digest(body=json.dumps({"id": number + step, "a": 1}).encode()) for step in (0, 1, 2)}
    assert len(near) == 3
    assert digest(body=json.dumps({"a": 1, "id": number}, indent=1).encode()) in near


def test_parameters_count_by_name_and_their_own_order():
    assert digest(url="https://api.example.com/v1/chat?model=m&beta=true") == digest()
    assert digest(url="/x?a=1&a=2") != digest(url="/x?a=2&a=1")


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"url": URL.replace("chat", "chats")},
        {"url": URL.replace("true", "false")},
        {"url": URL.partition("?")[0]},
        {"body": BODY.replace(b"Hi", b"Ho")},
        {"body": BODY.replace(b"1}", b'"1"}')},
        {"body": b""},
        {"body": BODY[:-1]},
    ],
    ids=str,
)
def test_what_is_asked_matters(change):
    assert digest(**change) != digest()


def test_deep_nesting_is_bytes_not_an_error():
    assert digest(body=b"[" * 5000 + b"]" * 5000) != digest(body=b"[" * 5000 + b"]" * 4999)


def test_another_credential_is_the_same_request_whatever_its_length():
    digests = set()
    for secret in ("sesame-open", "a-much-longer-secret-of-another-day"):
        knows = Scrubber.for_secrets([secret])
        body = json.dumps({"user_token": secret, "n": 1}).encode()
        digests.add(digest(url=f"/v1?key={secret}&b=1", body=body, scrubber=knows))
    assert len(digests) == 1


def test_a_redacted_request_is_known_again():
    knows = Scrubber.for_secrets(["sesame-open"])
    body = b'{"said": "my word is sesame-open", "n": 1}'
    assert digest(body=knows.scrub(body)) == digest(body=body, scrubber=knows)


@settings(deadline=None)
@given(st.from_regex(r"[A-Za-z0-9'_-]{10,40}", fullmatch=True))
def test_a_multipart_boundary_is_not_part_of_the_request(boundary):
    def form(boundary, said=b"said so"):
        edge = b"--" + boundary.encode()
        body = (
            edge + b"\r\ncontent-disposition: form-data\r\n\r\n" + said + b"\r\n" + edge + b"--\r\n"
        )
        kind = f'multipart/form-data; charset=utf-8; boundary="{boundary}"'
        return {"headers": (("Content-Type", kind),), "body": body}

    assert digest(**form(boundary)) == digest(**form("another-boundary"))
    assert digest(**form(boundary)) != digest(**form(boundary, b"said no"))


def test_declared_fields_may_differ_but_not_be_missing():
    def asked(**metadata):
        return json.dumps({"n": [{"metadata": metadata}, {"metadata": metadata}]}).encode()

    rule = {"fields": ("$.n[*].metadata.id", "$.missing")}
    same = {digest(body=asked(id=value, kind="k"), **rule) for value in (1, "two", None, [3])}
    assert len(same) == 1
    assert digest(body=asked(kind="k"), **rule) not in same
    assert digest(body=asked(id=1, kind="other"), **rule) not in same
    assert digest(body=asked(id=1)) != digest(body=asked(id=2))


def test_declared_parameters_may_differ_but_not_be_missing():
    same = {digest(url=f"/v1?now%20is={now}&b=1", query=("now is",)) for now in (1, 2)}
    assert len(same) == 1
    assert digest(url="/v1?b=1", query=("now is",)) not in same


def test_a_whole_body_can_be_declared():
    assert digest(body=b"[1]", fields=("$",)) == digest(body=b"[2]", fields=("$",))
    request = canonical_request(
        "get", "/", (), b"[1]", scrubber=NOBODYS, rule=Canonicalisation(fields=("$",))
    )
    assert (request.method, request.body) == ("GET", VOLATILE)


def test_declared_fields_may_lie_inside_each_other():
    paths = ("$.a", "$.a.b", "$..b")
    left, right = (json.dumps({"a": {"b": n}, "c": [{"b": n}]}).encode() for n in (1, 2))
    assert digest(body=left, fields=paths) == digest(body=right, fields=paths)


@pytest.mark.parametrize(("depth", "is_found"), [(90, True), (200, False)])
def test_what_lies_too_deep_to_be_looked_for_counts_as_it_is(depth, is_found):
    def nested(leaf):
        return digest(body=b'{"a":' * depth + leaf + b"}" * depth, fields=("$..b",))

    assert (nested(b'{"b":1}') == nested(b'{"b":2}')) == is_found


def test_what_is_no_jsonpath_is_refused_at_once():
    with pytest.raises(UsageError, match=r"'\$\[' is not a JSONPath of RFC 9535"):
        Canonicalisation(fields=("$[",))
