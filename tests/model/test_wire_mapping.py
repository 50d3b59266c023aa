"""A mapping file is data from strangers: what is not allowed is refused, each with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.model.credential import ApiKey
from contractcheck.model.wire_mapping import MappingError, read_mapping

LEAST = {"path": "/ask", "body": {"q": "{prompt}"}, "answer": {"text": "$.text"}}


def problems(**changed):
    with pytest.raises(MappingError) as caught:
        read_mapping({**LEAST, **changed})
    told = {}
    for place, what in caught.value.problems:
        told.setdefault(".".join(map(str, place)), []).append(what)
    return {place: "; ".join(whats) for place, whats in told.items()}


def test_the_least_mapping_posts_with_the_usual_key():
    mapping = read_mapping(LEAST)
    assert (mapping.method, mapping.path, mapping.headers) == ("POST", "/ask", ())
    assert mapping.key == ApiKey(variable="CONTRACTCHECK_HTTP_KEY")
    assert (mapping.used_placeholders(), mapping.stream) == ({"prompt"}, None)
    assert mapping.document == LEAST


def test_every_path_is_told_with_its_place():
    calls = {"each": "$.calls[*]", "name": "$.n", "arguments": "$.a"}
    stream = {"text": "$.d", "end": {"path": "$.done"}}
    mapping = read_mapping({**LEAST, "answer": {"text": "$.t", "calls": calls}, "stream": stream})
    assert {".".join(place): path for place, path in mapping.json_paths()} == {
        "answer.text": "$.t",
        "answer.calls.each": "$.calls[*]",
        "answer.calls.name": "$.n",
        "answer.calls.arguments": "$.a",
        "stream.text": "$.d",
        "stream.end.path": "$.done",
    }


@pytest.mark.parametrize(
    ("key", "read"),
    [
        ({"variable": "CONTRACTCHECK_GW_KEY"}, ("authorization", "Bearer ")),
        ({"variable": "CONTRACTCHECK_TOKEN", "header": "x-api-key"}, ("x-api-key", "")),
        (
            {"variable": "CONTRACTCHECK_KEY", "header": "authorization", "prefix": "Token "},
            ("authorization", "Token "),
        ),
    ],
)
def test_a_key_is_named_by_its_variable(key, read):
    found = read_mapping({**LEAST, "key": key}).key
    assert (found.variable, found.header, found.prefix) == (key["variable"], *read)


@pytest.mark.parametrize(
    "variable",
    ["AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "GITHUB_TOKEN", "CONTRACTCHECK_HOME", "", None],
)
def test_no_secret_that_is_there_for_another_purpose_can_be_named(variable):
    assert problems(key={"variable": variable}) == {
        "key.variable": "expected a variable of the form CONTRACTCHECK_…_KEY or CONTRACTCHECK_…_TOKEN"
    }


@pytest.mark.parametrize(
    "name",
    ["Authorization", "x-api-key", "Cookie", "X-Auth", "x-gateway-token", "proxy-authorization"],
)
def test_no_header_carries_a_credential(name):
    found = problems(headers={name: "v"})
    assert found == {
        f"headers.{name.lower()}": "may carry a credential: name its variable under key, not its value"
    }


@pytest.mark.parametrize(
    ("changed", "place", "words"),
    [
        ({"headers": {"Host": "evil.example"}}, "headers.host", "is written by this program"),
        ({"headers": {"X-HTTP-Method-Override": "DELETE"}}, "headers.x-http-method-override", "by"),
        ({"headers": {"x y": "v"}}, "headers.x y", "is no name of a header"),
        ({"headers": {"x-a": "v\r\nx-b: w"}}, "headers.x-a", "printable ASCII"),
        ({"headers": {"x-a": 5}}, "headers.x-a", "printable ASCII"),
        ({"headers": []}, "headers", "expected a mapping"),
        ({"method": "GET"}, "method", "expected POST or PUT"),
        ({"path": "v1/ask"}, "path", "a path such as"),
        ({"path": "/ask?key=1"}, "path", "a path such as"),
        ({"path": "//evil.example/ask"}, "path", "a path such as"),
        ({"path": "/ask/{prompt}"}, "path", "a path such as"),
        ({"path": "/ask/x{model}"}, "path", "a path such as"),
        ({"path": "/v1/../admin"}, "path", "a step to another folder"),
        ({"path": "/v1/%2E%2E/admin"}, "path", "a step to another folder"),
        ({"path": "/./ask"}, "path", "a step to another folder"),
        ({"answer": {"text": "$..*..*..*.t"}}, "answer.text", "searches too much"),
        ({"answer": {"text": "$" + "[0,0]" * 9 + ".t"}}, "answer.text", "searches too much"),
        ({"answer": {"text": "$.x[?count($..*) > 1]"}}, "answer.text", "searches too much"),
        ({"retries": 3}, "retries", "unknown key; allowed: answer, body"),
        ({"body": {"q": "{prompt}", "x": "{secret}"}}, "body.x", "unknown placeholder; allowed: m"),
        ({"body": {"q": "{prompt}", "l": [{"x": "{prompt}!"}]}}, "body.l.0.x", "stands alone"),
        ({"body": {"q": "hello"}}, "body", "asks nothing"),
        ({"body": ["{prompt}"]}, "body", "expected a mapping"),
        ({"answer": {}}, "answer", "missing key 'text'"),
        ({"answer": {"text": "text"}}, "answer.text", "a JSONPath such as"),
        ({"answer": {"text": "$.t", "words": "$.w"}}, "answer.words", "unknown key"),
        ({"answer": {"text": "$[?match(@, '(a+)+')]"}}, "answer.text", "are not followed"),
        (
            {"stream": {"text": "$.t", "end": {"path": "$[?search (@, 'x')]"}}},
            "stream.end.path",
            "not",
        ),
        ({"answer": {"calls": {"each": "$"}}}, "answer.calls", "missing key 'name'"),
        ({"stream": {"text": "$.t"}}, "stream", "missing key 'end'"),
        ({"stream": {"text": "$.t", "end": {"value": 1}}}, "stream.end", "missing key 'path'"),
        ({"key": {"variable": "CONTRACTCHECK_KEY", "prefix": "Be arer"}}, "key.prefix", "a word"),
        ({"key": {"variable": "CONTRACTCHECK_KEY", "header": "X Y"}}, "key.header", "lower case"),
        ({"key": {"variable": "CONTRACTCHECK_KEY", "header": "host"}}, "key.header", "is written"),
    ],
)
def test_what_is_not_allowed_names_its_place(changed, place, words):
    assert words in problems(**changed)[place]


def test_all_problems_are_told_at_once():
    assert set(problems(method="GET", path="ask", body={}, answer={})) == {
        "method",
        "path",
        "body",
        "answer",
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("$.x"),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["text", "calls", "each", "end", "path", "variable", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["method", "path", "headers", "key", "body", "answer", "stream", "x"]),
        VALUES,
        max_size=6,
    )
    | VALUES
)
def test_any_value_is_a_mapping_or_an_error_with_places(value):
    try:
        mapping = read_mapping(value)
    except MappingError as error:
        told = error.problems
    else:
        told = ()
        assert read_mapping(mapping.document) == mapping
    assert all(what for _, what in told)
