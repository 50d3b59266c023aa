"""Anthropic messages, read by the SDK ``anthropic``."""

import anthropic
import httpx2
import orjson
from conformance_kit import (
    EVENT_STREAM,
    Call,
    Parsed,
    Sent,
    Wire,
    counts,
    event_stream,
    ids,
    maybe,
    names,
    newlines,
    objects,
    pieces,
    spellings,
    texts,
)
from hypothesis import strategies as st

STOP_REASONS = ("end_turn", "max_tokens", "stop_sequence", "refusal", "pause_turn")

blocks = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, texts)
    | st.builds(lambda text: {"type": "text", "citations": None, "text": text}, texts),
    st.builds(lambda text, s: {"type": "thinking", "thinking": text, "signature": s}, texts, ids),
    st.builds(lambda data: {"type": "redacted_thinking", "data": data}, ids),
    st.builds(
        lambda name, arguments, key: {
            "type": "tool_use",
            "id": f"toolu_{key}",
            "name": name,
            "input": arguments,
        },
        names,
        objects,
        ids,
    ),
)
usages = st.builds(
    lambda cached, created, tier, thought, geo: {
        "input_tokens": 11,
        **cached,
        **created,
        **tier,
        **thought,
        **geo,
    },
    maybe("cache_read_input_tokens", counts),
    maybe("cache_creation_input_tokens", counts),
    maybe("service_tier", st.sampled_from(["standard", "priority", None])),
    maybe("output_tokens_details", counts.map(lambda n: {"thinking_tokens": n})),
    maybe("inference_geo", st.just("eu")),
)


def open_block(block):
    """A block as it is started, and the kind and member of what follows."""
    kind = block["type"]
    if kind == "text":
        return {**block, "text": ""}, "text_delta", "text", block["text"]
    if kind == "thinking":
        opened = {**block, "thinking": "", "signature": ""}
        return opened, "thinking_delta", "thinking", block["thinking"]
    if kind == "tool_use":
        written = orjson.dumps(block["input"]).decode()
        return {**block, "input": {}}, "input_json_delta", "partial_json", written
    return block, None, None, ""


@st.composite
def sent(draw):
    content = draw(st.lists(blocks, max_size=4))
    has_calls = any(block["type"] == "tool_use" for block in content)
    reason = "tool_use" if has_calls else draw(st.sampled_from(STOP_REASONS))
    usage = draw(usages)
    output_tokens = draw(counts)
    spell, newline = draw(spellings), draw(newlines)
    ending = {"stop_reason": reason, "stop_sequence": "." if reason == "stop_sequence" else None}
    ending |= draw(maybe("stop_details", st.none()))
    head = {"id": f"msg_{draw(ids)}", "type": "message", "role": "assistant", "model": "claude-x"}
    head |= draw(maybe("container", st.none()))
    whole = {
        **head,
        "content": content,
        **ending,
        "usage": {**usage, "output_tokens": output_tokens},
    }
    events = [
        {
            "type": "message_start",
            "message": {
                **head,
                "content": [],
                **dict.fromkeys(ending),
                "usage": {**usage, "output_tokens": 1},
            },
        }
    ]
    for index, block in enumerate(content):
        events += draw(block_events(index, block))
    late = {"output_tokens": output_tokens}
    if draw(st.booleans()):  # counts so far are told again at the end
        late |= {name: usage[name] for name in usage if name.endswith(("_tokens", "_details"))}
    events += [
        {"type": "message_delta", "delta": ending, "usage": late},
        {"type": "message_stop"},
    ]
    pairs = [(event["type"], spell(event)) for event in events]
    return Sent(whole=spell(whole).encode(), stream=event_stream(pairs, newline))


@st.composite
def block_events(draw, index, block):
    opened, kind, member, content = open_block(block)
    events = [{"type": "content_block_start", "index": index, "content_block": opened}]
    if draw(st.booleans()):
        events.append({"type": "ping"})
    for piece in draw(pieces(content)) if kind else ():
        delta = {"type": kind, member: piece}
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
    if block["type"] == "thinking":
        delta = {"type": "signature_delta", "signature": block["signature"]}
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
    return [*events, {"type": "content_block_stop", "index": index}]


def parsed(message):
    return Parsed(
        text="".join(block.text for block in message.content if block.type == "text"),
        calls=tuple(
            Call(block.name, block.input, block.id)
            for block in message.content
            if block.type == "tool_use"
        ),
        finish_reason=message.stop_reason,
        model=message.model,
        response_id=message.id,
        input_tokens=message.usage.input_tokens,
        output_tokens=message.usage.output_tokens,
        cached_input_tokens=message.usage.cache_read_input_tokens,
        reasoning_text="".join(b.thinking for b in message.content if b.type == "thinking"),
    )


def say(client, *, streamed, **options):
    if not streamed:
        return parsed(client.messages.create(**options))
    with client.messages.stream(**options) as events:
        return parsed(events.get_final_message())


answers = []
memory = anthropic.Anthropic(
    api_key="k",
    max_retries=0,
    http_client=httpx2.Client(transport=httpx2.MockTransport(lambda _request: answers.pop())),
)


def parse(body, streamed):
    kind = EVENT_STREAM if streamed else "application/json"
    answers.append(httpx2.Response(200, headers={"content-type": kind}, content=body))
    question = [{"role": "user", "content": "Hi"}]
    return say(memory, streamed=streamed, model="claude-x", max_tokens=9, messages=question)


def ask(base_url, request):
    body = orjson.loads(request.body)
    with anthropic.Anthropic(base_url=base_url, api_key="k", max_retries=0) as client:
        return say(client, streamed=body.pop("stream", False), **sdk_arguments(body))


def sdk_arguments(body):
    """Of the parameters that the SDK no longer names, the wire still has some."""
    unnamed = {name: body.pop(name) for name in ("temperature", "top_p") if name in body}
    return {**body, "extra_body": unnamed}


WIRE = Wire(
    provider="anthropic",
    sent=sent(),
    parse=parse,
    ask=ask,
    model="claude-sim",
    thinks=True,
    lacks=frozenset({"logprobs"}),
)
