import orjson
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.cassettes.lines import request_digest

URL = "http://127.0.0.1/v1"


@given(st.dictionaries(st.text(max_size=4), st.integers(-(2**53), 2**53), min_size=2, max_size=5))
def test_the_order_of_keys_does_not_make_another_request(body):
    turned = dict(reversed(body.items()))
    same = {request_digest("post", URL, str_body) for str_body in map(orjson.dumps, (body, turned))}
    assert len(same) == 1


def test_method_url_and_body_each_count():
    digests = {
        request_digest("POST", URL, b'{"a":1}'),
        request_digest("GET", URL, b'{"a":1}'),
        request_digest("POST", URL + "/x", b'{"a":1}'),
        request_digest("POST", URL, b'{"a":2}'),
        request_digest("POST", URL, b"not json"),
        request_digest("POST", URL, b"[" * 400 + b"]" * 400),
    }
    assert len(digests) == 6
    assert {len(digest) for digest in digests} == {32}
    assert request_digest("post", URL, b'{"a": 1}') == request_digest("POST", URL, b'{"a":1}')
