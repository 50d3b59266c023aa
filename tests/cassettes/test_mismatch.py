import json

from contractcheck.cassettes.canonical import canonical_request
from contractcheck.cassettes.mismatch import explain_mismatch
from contractcheck.redaction import Scrubber


def request(body, *, url="/v1/chat?beta=1", method="POST"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return canonical_request(method, url, (), data, scrubber=Scrubber.for_secrets(()))


def chat(text, **more):
    return request({"model": "m", "messages": [{"role": "user", "content": text}], **more})


def differences(text):
    return [line.strip() for line in text.splitlines() if line.startswith("  ")]


def test_the_nearest_is_compared_field_by_field():
    recorded = [chat("Goodbye", temperature=1, top_p=0.5), chat("Hi", temperature=1)]
    text = explain_mismatch(chat("Hi", temperature=0.7, user="u"), recorded)
    assert differences(text) == [
        "$.temperature: recorded 1 -> sent 0.7",
        '$.user: recorded nothing -> sent "u"',
    ]
    assert "volatile" in text


def test_places_are_json_paths_and_parts_of_the_url():
    text = explain_mismatch(
        request({"a": [{"b": []}]}, url="/v2/chat?beta=2", method="PUT"),
        [request({"a": [{"b": [1]}]})],
    )
    assert differences(text) == [
        'method: recorded "POST" -> sent "PUT"',
        'path: recorded "/v1/chat" -> sent "/v2/chat"',
        'query beta: recorded "1" -> sent "2"',
        "$.a[0].b[0]: recorded 1 -> sent nothing",
        "$.a[0].b: recorded nothing -> sent []",
    ]


def test_long_texts_are_shown_where_they_differ():
    long = "word " * 200
    text = explain_mismatch(chat(long + "today" + long), [chat(long + "yesterday" + long)])
    (line,) = differences(text)
    assert "yesterday" in line
    assert "today" in line.partition("sent")[2]
    assert len(line) < 200


def test_bodies_that_are_no_json_are_compared_as_bytes():
    (line,) = differences(explain_mismatch(request(b"\xff1"), [request(b"\xff2")]))
    assert line == r"body: recorded b'\xff2' -> sent b'\xff1'"


def test_many_differences_are_counted():
    recorded = request({str(n): n for n in range(20)})
    lines = differences(explain_mismatch(request({str(n): -1 for n in range(20)}), [recorded]))
    assert len(lines) == 9
    assert lines[-1] == "and 12 more"


def test_a_case_without_a_recording_says_so():
    assert "no recording" in explain_mismatch(chat("Hi"), [])


def test_repeated_parameters_are_told_apart():
    text = explain_mismatch(request({}, url="/x?a=1&a=2"), [request({}, url="/x?a=1&a=3")])
    assert differences(text) == ['query a\': recorded "3" -> sent "2"']
