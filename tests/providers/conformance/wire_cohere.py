"""Cohere chat (version 2), read by the SDK ``cohere``."""

import cohere
import httpx  # noqa: TID251 - what the SDK runs on
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
    parse_arguments,
    pieces,
    spellings,
    texts,
)
from hypothesis import strategies as st

FINISH_REASONS = ("COMPLETE", "STOP_SEQUENCE", "MAX_TOKENS", "TIMEOUT")

contents = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, texts),
    st.builds(lambda text: {"type": "thinking", "thinking": text}, texts),
)
calls = st.builds(
    lambda name, arguments, key: {
        "id": f"{name}_{key}",
        "type": "function",
        "function": {"name": name, "arguments": orjson.dumps(arguments).decode()},
    },
    names,
    objects,
    ids,
)
citations = st.builds(
    lambda start, text, more: {"start": start, "end": start + 3, "text": text, **more},
    counts,
    texts,
    maybe("sources", st.just([{"type": "document", "id": "doc:0", "document": {"id": "doc:0"}}])),
)
tallies = st.fixed_dictionaries({"input_tokens": counts, "output_tokens": counts})
usages = st.builds(
    lambda billed, tokens, cached: {**billed, "tokens": tokens, **cached},
    maybe("billed_units", tallies),
    tallies | tallies.map(lambda found: {name: float(n) for name, n in found.items()}),
    maybe("cached_tokens", counts),
)


def message_delta(kind, index, **fields):
    return {"type": kind, "index": index, "delta": {"message": fields}}


@st.composite
def content_events(draw, index, content):
    kind = content["type"]
    events = [message_delta("content-start", index, content={"type": kind, kind: ""})]
    for piece in draw(pieces(content[kind])):
        event = message_delta("content-delta", index, content={kind: piece})
        item = {"text": piece, "token_ids": [1], "logprobs": [-0.5]}
        events.append(event | draw(maybe("logprobs", st.just(item))))
    return [*events, {"type": "content-end", "index": index}]


@st.composite
def call_events(draw, index, call):
    opened = {**call, "function": {**call["function"], "arguments": ""}}
    events = [message_delta("tool-call-start", index, tool_calls=opened)]
    for piece in draw(pieces(call["function"]["arguments"])):
        part = {"function": {"arguments": piece}}
        events.append(message_delta("tool-call-delta", index, tool_calls=part))
    return [*events, {"type": "tool-call-end", "index": index}]


@st.composite
def sent(draw):
    said = draw(st.lists(contents, max_size=2))
    asked = draw(st.lists(calls, max_size=2))
    plan = draw(texts) if asked else None
    cited = draw(st.lists(citations, max_size=2))
    reason = "TOOL_CALL" if asked else draw(st.sampled_from(FINISH_REASONS))
    usage = draw(usages)
    key = draw(ids)
    spell, newline = draw(spellings), draw(newlines)
    message = {"role": "assistant"}
    message |= {"content": said} if said or not asked else {}
    message |= {"tool_plan": plan, "tool_calls": asked} if asked else {}
    message |= {"citations": cited} if cited else {}
    whole = {"id": key, "finish_reason": reason, "message": message, "usage": usage}
    opening = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}
    events = [{"type": "message-start", "id": key, "delta": {"message": opening}}]
    events += [
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}}
        for piece in (draw(pieces(plan)) if asked else ())
    ]
    for index, content in enumerate(said):
        events += draw(content_events(index, content))
    for index, citation in enumerate(cited):
        events.append(message_delta("citation-start", index, citations=citation))
        events.append({"type": "citation-end", "index": index})
    for index, call in enumerate(asked):
        events += draw(call_events(index, call))
    events.append({"type": "message-end", "delta": {"finish_reason": reason, "usage": usage}})
    pairs = [(event["type"], spell(event)) for event in events]
    pairs += draw(st.sampled_from([[], [(None, "[DONE]")]]))
    return Sent(whole=spell(whole).encode(), stream=event_stream(pairs, newline))


def parsed(key, usage, *, text, thought, called, reason):
    tokens = usage.tokens
    return Parsed(
        text=text,
        calls=tuple(Call(name, parse_arguments(written), id_) for name, written, id_ in called),
        finish_reason=reason,
        response_id=key,
        input_tokens=tokens.input_tokens,
        output_tokens=tokens.output_tokens,
        cached_input_tokens=usage.cached_tokens,
        reasoning_text=thought,
    )


def read(reply):
    message = reply.message
    said = message.content or []
    return parsed(
        reply.id,
        reply.usage,
        text="".join(part.text for part in said if part.type == "text"),
        thought=(message.tool_plan or "")
        + "".join(part.thinking for part in said if part.type == "thinking"),
        called=[(c.function.name, c.function.arguments, c.id) for c in message.tool_calls or []],
        reason=reply.finish_reason,
    )


def fold(events):
    """What a stream says: the SDK leaves it to its user to put events together."""
    text, plan, thought, called = "", "", "", []
    for event in events:
        if event.type in ("content-start", "content-delta"):
            text += event.delta.message.content.text or ""
            thought += event.delta.message.content.thinking or ""
        elif event.type == "tool-plan-delta":
            plan += event.delta.message.tool_plan
        elif event.type == "tool-call-start":
            call = event.delta.message.tool_calls
            called.append([call.function.name, call.function.arguments, call.id])
        elif event.type == "tool-call-delta":
            called[event.index][1] += event.delta.message.tool_calls.function.arguments
    end = events[-1].delta
    return parsed(
        events[0].id,
        end.usage,
        text=text,
        thought=plan + thought,
        called=called,
        reason=end.finish_reason,
    )


def say(client, *, streamed, **options):
    options["request_options"] = {"max_retries": 0}
    if streamed:
        return fold(list(client.chat_stream(**options)))
    return read(client.chat(**options))


def make_client(url, http_client):
    return cohere.ClientV2(
        api_key="k",
        base_url=url,
        httpx_client=http_client,
        log_warning_experimental_features=False,
    )


answers = []
memory = make_client(
    "http://sdk",
    httpx.Client(transport=httpx.MockTransport(lambda _request: answers.pop())),
)


def parse(body, streamed):
    kind = EVENT_STREAM if streamed else "application/json"
    answers.append(httpx.Response(200, headers={"content-type": kind}, content=body))
    question = [{"role": "user", "content": "Hi"}]
    return say(memory, streamed=streamed, model="command-x", messages=question)


def ask(base_url, request):
    body = orjson.loads(request.body)
    with httpx.Client(trust_env=False) as http_client:  # the SDK leaves its own open
        return say(make_client(base_url, http_client), streamed=body.pop("stream"), **body)


WIRE = Wire(
    provider="cohere",
    sent=sent(),
    parse=parse,
    ask=ask,
    model="command-sim",
    thinks=True,
    lacks=frozenset({"forced tool", "logprobs"}),
)
