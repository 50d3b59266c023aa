"""OpenAI chat completions, read by the SDK ``openai``."""

import httpx2
import openai
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
    letters,
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
from openai.lib.streaming.chat import ChatCompletionStreamState

REASONS = ("stop", "length", "content_filter")

calls = st.builds(
    lambda key, name, arguments: {
        "id": f"call_{key}",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    },
    ids,
    names,
    objects.map(lambda value: orjson.dumps(value).decode()) | letters,
)
usages = st.builds(
    lambda spent, cached, thought: {
        "prompt_tokens": 11,
        "completion_tokens": spent,
        "total_tokens": 11 + spent,
        **cached,
        **thought,
    },
    counts,
    maybe("prompt_tokens_details", maybe("cached_tokens", counts)),
    maybe("completion_tokens_details", counts.map(lambda n: {"reasoning_tokens": n})),
)
contents = st.one_of(
    st.builds(lambda text: {"content": text, "refusal": None}, texts),
    st.builds(lambda text: {"content": text}, texts),
    st.builds(lambda text: {"content": None, "refusal": text}, texts),
    st.builds(
        lambda text, tools: {"content": text, "tool_calls": tools},
        st.none() | texts,
        st.lists(calls, min_size=1, max_size=3),
    ),
)


@st.composite
def sent(draw):
    message = {"role": "assistant", **draw(contents)}
    message |= draw(maybe("reasoning_content", texts))
    message |= draw(maybe("annotations", st.just([])))
    message |= draw(maybe("function_call", st.none()))
    reason = "tool_calls" if "tool_calls" in message else draw(st.sampled_from(REASONS))
    spell, newline, usage = draw(spellings), draw(newlines), draw(usages)
    head = {"id": f"chatcmpl-{draw(ids)}", "created": 1_767_225_600, "model": "gpt-x-2026-01-01"}
    head |= draw(maybe("system_fingerprint", st.sampled_from(["fp_1", None])))
    head |= draw(maybe("service_tier", st.just("default")))
    choice = {"index": 0, "finish_reason": reason, **draw(maybe("logprobs", st.none()))}
    whole = {
        **head,
        "object": "chat.completion",
        "choices": [{**choice, "message": message}],
        "usage": usage,
    }
    between = draw(maybe("usage", st.none())) | draw(maybe("obfuscation", letters))
    chunk = {**head, "object": "chat.completion.chunk"}
    deltas = [*draw(deltas_of(message)), ({}, reason)]
    events = [
        {
            **chunk,
            "choices": [{**choice, "delta": delta, "finish_reason": finish}],
            **between,
        }
        for delta, finish in deltas
    ]
    events.append({**chunk, "choices": [], "usage": usage})
    stream = [(None, spell(event)) for event in events]
    if draw(st.booleans()):
        stream.insert(1, (":", "keep-alive"))
    return Sent(
        whole=spell(whole).encode(),
        stream=event_stream([*stream, (None, "[DONE]")], newline),
    )


@st.composite
def deltas_of(draw, message):
    deltas = [{"role": "assistant", "content": message["content"] and ""}]
    for name in ("reasoning_content", "content", "refusal"):
        deltas += [{name: piece} for piece in draw(pieces(message.get(name) or ""))]
    for index, call in enumerate(message.get("tool_calls", ())):
        function = call["function"]
        opened = {**call, "index": index, "function": {**function, "arguments": ""}}
        deltas.append({"tool_calls": [opened]})
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in draw(pieces(function["arguments"]))
        ]
    return [(delta, None) for delta in deltas]


def parsed(completion):
    message, usage = completion.choices[0].message, completion.usage
    details = usage.prompt_tokens_details
    return Parsed(
        text=(message.content or "") + (message.refusal or ""),
        calls=tuple(
            Call(call.function.name, parse_arguments(call.function.arguments), call.id)
            for call in message.tool_calls or ()
        ),
        finish_reason=completion.choices[0].finish_reason,
        model=completion.model,
        response_id=completion.id,
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cached_input_tokens=details and details.cached_tokens,
        reasoning_text=getattr(message, "reasoning_content", None) or "",
    )


def say(client, **options):
    answer = client.chat.completions.create(**options)
    if not options.get("stream"):
        return parsed(answer)
    state = ChatCompletionStreamState()
    for chunk in answer:
        state.handle_chunk(chunk)
    return parsed(state.current_completion_snapshot)


answers = []
memory = openai.OpenAI(
    api_key="k",
    max_retries=0,
    http_client=httpx2.Client(transport=httpx2.MockTransport(lambda _request: answers.pop())),
)


def parse(body, streamed):
    kind = EVENT_STREAM if streamed else "application/json"
    answers.append(httpx2.Response(200, headers={"content-type": kind}, content=body))
    question = [{"role": "user", "content": "Hi"}]
    return say(memory, model="gpt-x", messages=question, stream=streamed)


def ask(base_url, request):
    url = f"{base_url}/v1"
    with openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client:
        return say(client, **orjson.loads(request.body))


WIRE = Wire(provider="openai", sent=sent(), parse=parse, ask=ask, model="gpt-sim")
