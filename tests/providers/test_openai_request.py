"""Requests for chat completions: what OpenAI documents, and where compatible servers part from it."""

import base64

import orjson
import pytest

from contractcheck.errors import UsageError
from contractcheck.model.credential import ApiKey
from contractcheck.model.suite import Case, Image, Message, Parameters
from contractcheck.model.target import Target
from contractcheck.providers import dialect

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
PICTURE = Image(name="a/dot.png", media_type="image/png", data=b"\x89PNG\r\n")


def make_case(response_schema=None, images=(), **parameters):
    return Case(
        id="a",
        line=1,
        samples=1,
        messages=(Message(role="user", content="Hi", images=images),),
        tools=(),
        response_schema=response_schema,
        parameters=Parameters(**parameters),
        checks=(),
        metrics=(),
        fingerprint_parts={},
        request_fingerprint="r",
    )


def sent(case, provider="openai"):
    wire = dialect(provider).build(case, Target(provider=provider, model="m"))
    assert wire.path == "/v1/chat/completions"
    return orjson.loads(wire.body)


def test_an_answer_in_one_piece_is_asked_for_without_stream_options():
    body = sent(make_case(stream=False))
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
    }


def test_log_probabilities_and_effort_are_asked_for_by_name():
    body = sent(make_case(top_logprobs=5, reasoning_effort="low"))
    assert (body["logprobs"], body["top_logprobs"], body["reasoning_effort"]) == (True, 5, "low")


def test_an_image_goes_before_the_words_as_a_data_url():
    content = sent(make_case(images=(PICTURE,)))["messages"][0]["content"]
    picture, words = content
    prefix, _, encoded = picture["image_url"]["url"].partition(",")
    assert (picture["type"], prefix) == ("image_url", "data:image/png;base64")
    assert base64.b64decode(encoded, validate=True) == PICTURE.data
    assert words == {"type": "text", "text": "Hi"}


SERVERS = {
    "deepseek": ("https://api.deepseek.com", "max_tokens"),
    "groq": ("https://api.groq.com/openai", "max_completion_tokens"),
    "llamacpp": ("http://127.0.0.1:8080", "max_tokens"),
    "ollama": ("http://127.0.0.1:11434", "max_tokens"),
    "openai": ("https://api.openai.com", "max_completion_tokens"),
    "openrouter": ("https://openrouter.ai/api", "max_tokens"),
    "together": ("https://api.together.ai", "max_tokens"),
    "vllm": ("http://127.0.0.1:8000", "max_completion_tokens"),
    "xai": ("https://api.x.ai", "max_completion_tokens"),
}


@pytest.mark.parametrize("provider", SERVERS)
def test_each_server_is_asked_at_its_address_with_its_word_for_the_limit(provider):
    address, limit = SERVERS[provider]
    speaker = dialect(provider)
    assert speaker.base_url == address
    assert all(isinstance(scheme, ApiKey) for scheme in speaker.schemes)
    body = sent(make_case(max_output_tokens=9), provider)
    assert {name: body[name] for name in body if name.startswith("max_")} == {limit: 9}


def test_no_two_servers_share_a_key():
    keys = [scheme.variable for name in SERVERS for scheme in dialect(name).schemes]
    assert len(keys) == len(set(keys)) == len(SERVERS)


@pytest.mark.parametrize(
    ("provider", "case", "name"),
    [
        ("deepseek", make_case(response_schema=SCHEMA), "response_format"),
        ("groq", make_case(top_logprobs=2), "logprobs"),
    ],
)
def test_what_a_server_documents_it_refuses_is_not_even_asked(provider, case, name):
    with pytest.raises(UsageError) as refused:
        sent(case, provider)
    assert str(refused.value) == (
        f"case a: {provider} does not support {name!r}; take what asks for it out of the case, "
        "or ask another provider"
    )
    assert sent(case)[name]
