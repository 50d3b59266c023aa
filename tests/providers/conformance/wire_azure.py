"""Azure OpenAI, read by ``AzureOpenAI`` of the SDK ``openai``."""

import httpx2
import openai
import orjson
import wire_openai
from conformance_kit import EVENT_STREAM, Wire, event_stream

VERSION = "2024-10-21"
CLEAN = {"hate": {"filtered": False, "severity": "safe"}}
FILTER = orjson.dumps(
    {
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": CLEAN}],
    }
).decode()


def filtered(sent):
    return sent._replace(stream=event_stream([(None, FILTER)]) + sent.stream)


answers = []
memory = openai.AzureOpenAI(
    api_key="k",
    api_version=VERSION,
    azure_endpoint="https://res.openai.azure.com",
    max_retries=0,
    http_client=httpx2.Client(transport=httpx2.MockTransport(lambda _request: answers.pop())),
)


class Silent:
    """A client whose streams lack the chunks without choices that come first.

    The SDK's own accumulator takes id and model from the first chunk, which says nothing there.
    """

    def __init__(self, client):
        self.chat = self
        self.completions = self
        self.client = client

    def create(self, **options):
        answer = self.client.chat.completions.create(**options)
        return (c for c in answer if c.choices or c.usage) if options.get("stream") else answer


def parse(body, streamed):
    kind = EVENT_STREAM if streamed else "application/json"
    answers.append(httpx2.Response(200, headers={"content-type": kind}, content=body))
    question = [{"role": "user", "content": "Hi"}]
    return wire_openai.say(Silent(memory), model="dep", messages=question, stream=streamed)


def ask(base_url, request):
    options = {"azure_endpoint": base_url, "api_version": VERSION, "api_key": "k"}
    with openai.AzureOpenAI(**options, max_retries=0) as client:
        return wire_openai.say(Silent(client), **orjson.loads(request.body))


WIRE = Wire(
    provider="azure",
    sent=wire_openai.WIRE.sent.map(filtered),
    parse=parse,
    ask=ask,
    model="gpt-sim",
)
