"""OpenAI embeddings, read by the SDK ``openai``, in numbers and in base64."""

import base64
import struct

import httpx2
import openai
import orjson
from conformance_kit import Parsed, Sent, Wire, counts, maybe, spellings
from hypothesis import strategies as st

numbers = st.lists(st.floats(-1.0, 1.0, width=32), min_size=1, max_size=40)


@st.composite
def sent(draw):
    vector, spent = draw(numbers), draw(counts)
    written = vector
    if draw(st.booleans()):
        written = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    document = {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": written}],
        "model": "text-embedding-x",
        "usage": {"prompt_tokens": spent, "total_tokens": spent},
        **draw(maybe("id", st.just("emb-1"))),
    }
    return Sent(whole=draw(spellings)(document).encode(), stream=None)


def say(client, **options):
    answer = client.embeddings.create(**options)
    return Parsed(
        model=answer.model,
        input_tokens=answer.usage.prompt_tokens,
        embedding=tuple(answer.data[0].embedding),
    )


answers = []
memory = openai.OpenAI(
    api_key="k",
    max_retries=0,
    http_client=httpx2.Client(transport=httpx2.MockTransport(lambda _request: answers.pop())),
)


def parse(body, streamed):
    assert not streamed
    answers.append(httpx2.Response(200, headers={"content-type": "application/json"}, content=body))
    return say(memory, model="text-embedding-x", input="Hi")


def ask(base_url, request):
    url = f"{base_url}/v1"
    with openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client:
        return say(client, **orjson.loads(request.body))


WIRE = Wire(
    provider="openai-embeddings",
    sent=sent(),
    parse=parse,
    ask=ask,
    model="text-embedding-sim",
    lacks=frozenset({"tools", "forced tool", "schema", "image", "logprobs"}),
)
