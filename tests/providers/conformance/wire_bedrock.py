"""Bedrock Converse, read by boto3."""

from base64 import b64decode, b64encode
from io import BytesIO
from urllib.parse import unquote

import boto3
import orjson
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.config import Config
from conformance_kit import (
    Call,
    Parsed,
    Sent,
    Wire,
    counts,
    ids,
    maybe,
    names,
    objects,
    parse_arguments,
    pieces,
    spellings,
    texts,
)
from hypothesis import strategies as st

from contractcheck.simulator.aws_events import encode_event

STREAM_TYPE = "application/vnd.amazon.eventstream"
STOP_REASONS = ("end_turn", "max_tokens", "stop_sequence", "guardrail_intervened")

blobs = st.binary(min_size=1, max_size=9).map(lambda data: b64encode(data).decode())
blocks = st.one_of(
    st.builds(lambda text: {"text": text}, texts),
    st.builds(
        lambda text, signed: {"reasoningContent": {"reasoningText": {"text": text, **signed}}},
        texts,
        maybe("signature", ids),
    ),
    st.builds(lambda blob: {"reasoningContent": {"redactedContent": blob}}, blobs),
    st.builds(
        lambda text, title: {
            "citationsContent": {"content": [{"text": text}], "citations": [{"title": title}]}
        },
        texts,
        names,
    ),
    st.builds(
        lambda name, arguments, key: {
            "toolUse": {"toolUseId": f"tooluse_{key}", "name": name, "input": arguments}
        },
        names,
        objects,
        ids,
    ),
)
metadata = st.builds(
    lambda cached, written, details, tier, trace: {
        "usage": {
            "inputTokens": 11,
            "outputTokens": 5,
            "totalTokens": 16,
            **cached,
            **written,
            **details,
        },
        "metrics": {"latencyMs": 300},
        **tier,
        **trace,
    },
    maybe("cacheReadInputTokens", counts),
    maybe("cacheWriteInputTokens", counts),
    maybe("cacheDetails", st.just([])),
    maybe("serviceTier", st.just({"type": "default"})),
    maybe("performanceConfig", st.just({"latency": "standard"})),
)


@st.composite
def sent(draw):
    content = draw(st.lists(blocks, max_size=4))
    has_calls = any("toolUse" in block for block in content)
    reason = "tool_use" if has_calls else draw(st.sampled_from(STOP_REASONS))
    told, spell = draw(metadata), draw(spellings)
    padding = draw(maybe("p", st.text("abcXYZ09", max_size=20)))
    message = {"role": "assistant", "content": content}
    whole = {"output": {"message": message}, "stopReason": reason, **told}
    events = [("messageStart", {"role": "assistant"})]
    for index, block in enumerate(content):
        events += [(kind, {"contentBlockIndex": index, **e}) for kind, e in draw(spoken(block))]
    events += [("messageStop", {"stopReason": reason}), ("metadata", told)]
    stream = b"".join(encode_event(kind, spell({**e, **padding}).encode()) for kind, e in events)
    return Sent(whole=spell(whole).encode(), stream=stream)


@st.composite
def spoken(draw, block):
    """One block, said in events."""
    (kind,) = block
    events, inner = [], block[kind]
    if kind == "text":
        deltas = [{"text": piece} for piece in draw(pieces(inner))]
    elif kind == "citationsContent":
        deltas = [{"text": piece} for piece in draw(pieces(inner["content"][0]["text"]))]
        deltas.append({"citation": inner["citations"][0]})
    elif kind == "toolUse":
        start = {"toolUse": {"toolUseId": inner["toolUseId"], "name": inner["name"]}}
        events.append(("contentBlockStart", {"start": start}))
        said = draw(pieces(orjson.dumps(inner["input"]).decode()))
        deltas = [{"toolUse": {"input": piece}} for piece in said]
    else:
        thought = inner.get("reasoningText")
        said = [inner] if thought is None else [{"text": t} for t in draw(pieces(thought["text"]))]
        if thought and "signature" in thought:
            said.append({"signature": thought["signature"]})
        deltas = [{kind: one} for one in said]
    events += [("contentBlockDelta", {"delta": delta}) for delta in deltas]
    return [*events, ("contentBlockStop", {})]


def parsed_whole(answer):
    content = answer["output"]["message"]["content"]
    thoughts = [block.get("reasoningContent", {}).get("reasoningText", {}) for block in content]
    used = [block["toolUse"] for block in content if "toolUse" in block]
    return Parsed(
        text="".join(text_of(block) for block in content),
        calls=tuple(Call(one["name"], one["input"], one["toolUseId"]) for one in used),
        finish_reason=answer["stopReason"],
        reasoning_text="".join(thought.get("text", "") for thought in thoughts),
        **counted(answer["usage"]),
    )


def text_of(block):
    cited = block.get("citationsContent", {}).get("content", [])
    return "".join(one.get("text", "") for one in (block, *cited))


def parsed_stream(events):
    text, thoughts, calls, ended = "", "", {}, {}
    for event in events:
        ((kind, told),) = event.items()
        index = told.get("contentBlockIndex")
        if kind == "contentBlockStart":
            calls[index] = [told["start"]["toolUse"], ""]
        elif kind == "contentBlockDelta":
            delta = told["delta"]
            text += delta.get("text", "")
            thoughts += delta.get("reasoningContent", {}).get("text", "")
            if "toolUse" in delta:
                calls[index][1] += delta["toolUse"]["input"]
        else:
            ended |= told
    return Parsed(
        text=text,
        calls=tuple(
            Call(used["name"], parse_arguments(written), used["toolUseId"])
            for used, written in calls.values()
        ),
        finish_reason=ended["stopReason"],
        reasoning_text=thoughts,
        **counted(ended["usage"]),
    )


def counted(usage):
    return {
        "input_tokens": usage["inputTokens"],
        "output_tokens": usage["outputTokens"],
        "cached_input_tokens": usage.get("cacheReadInputTokens"),
    }


def say(client, *, streamed, **question):
    if not streamed:
        return parsed_whole(client.converse(**question))
    return parsed_stream(list(client.converse_stream(**question)["stream"]))


def open_client(**options):
    return boto3.session.Session().client(
        "bedrock-runtime",
        region_name="eu-central-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",  # noqa: S106 - made up
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
        **options,
    )


answers = []
memory = open_client()
memory.meta.events.register("before-send.bedrock-runtime.*", lambda **_: answers.pop())


def parse(body, streamed):
    raw = BytesIO(body)
    raw.stream = lambda *_, **__: iter([raw.read()])
    kind = STREAM_TYPE if streamed else "application/json"
    answers.append(AWSResponse("http://sim", 200, HeadersDict({"content-type": kind}), raw))
    question = [{"role": "user", "content": [{"text": "Hi"}]}]
    return say(memory, streamed=streamed, modelId="sim", messages=question)


def ask(base_url, request):
    body = orjson.loads(request.body)
    for message in body["messages"]:
        for block in message["content"]:
            if "image" in block:
                source = block["image"]["source"]
                source["bytes"] = b64decode(source["bytes"])
    model, operation = request.path.removeprefix("/model/").split("/")
    client = open_client(endpoint_url=base_url)
    try:
        streamed = operation == "converse-stream"
        return say(client, streamed=streamed, modelId=unquote(model), **body)
    finally:
        client.close()


WIRE = Wire(
    provider="bedrock",
    sent=sent(),
    parse=parse,
    ask=ask,
    model="anthropic.claude-sim-v1:0",
    lacks=frozenset({"logprobs"}),
    place={"region": "eu-central-1"},
    stream_type=STREAM_TYPE,
)
