"""Mistral chat completions, read by the SDK ``mistralai``."""

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
    parse_arguments,
    pieces,
    spellings,
    texts,
)
from hypothesis import strategies as st
from mistralai import client as mistralai

FINISH_REASONS = ("stop", "length", "model_length")

text_chunks = st.builds(lambda text: {"type": "text", "text": text}, texts)
thoughts = st.builds(
    lambda parts, more: {"type": "thinking", "thinking": parts, **more},
    st.lists(text_chunks, max_size=2),
    maybe("closed", st.booleans()) | maybe("signature", ids),
)
references = st.builds(
    lambda keys: {"type": "reference", "reference_ids": keys},
    st.lists(counts | names, max_size=2),
)
contents = (
    texts
    | st.just("")
    | st.none()
    | st.lists(text_chunks | thoughts | references, min_size=1, max_size=3)
)
calls = st.builds(
    lambda name, arguments, key, more: {
        "id": key[:9],
        "function": {"name": name, "arguments": arguments},
        **more,
    },
    names,
    objects | objects.map(lambda value: orjson.dumps(value).decode()),
    ids,
    maybe("type", st.just("function")),
)
usages = st.builds(
    lambda before, after, *more: {
        "prompt_tokens": before,
        "completion_tokens": after,
        "total_tokens": before + after,
        **{name: value for part in more for name, value in part.items()},
    },
    counts,
    counts,
    maybe("num_cached_tokens", counts),
    maybe("prompt_audio_seconds", st.none() | st.just({}).map(lambda _: 3)),
    maybe("service_tier", st.sampled_from(["standard", None])),
    maybe("tokens_of_tomorrow", counts),
)


@st.composite
def deltas(draw, content):
    """What a stream says instead of a message with this content."""
    if isinstance(content, list):
        return [{"content": [part]} for part in content]
    return [{"content": piece} for piece in draw(pieces(content or ""))]


@st.composite
def sent(draw):
    content = draw(contents)
    asked = draw(st.lists(calls, max_size=2))
    asked = [{**call, "index": index} for index, call in enumerate(asked)]
    reason = "tool_calls" if asked else draw(st.sampled_from(FINISH_REASONS))
    usage = draw(usages)
    spell, newline = draw(spellings), draw(newlines)
    head = {"id": draw(ids), "created": 1_760_000_000, "model": "mistral-x"}
    message = {"role": "assistant", "tool_calls": asked or None, "content": content}
    message |= draw(maybe("prefix", st.just(False)))  # noqa: FBT003 - a value on the wire
    whole = {
        **head,
        "object": "chat.completion",
        "usage": usage,
        "choices": [{"index": 0, "finish_reason": reason, "message": message}],
    }
    said = [{"role": "assistant", "content": ""}, *draw(deltas(content))]
    if asked:
        said.append({"content": "", "tool_calls": asked})
    chunks = [
        {
            **head,
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
        }
        for delta in [*said, {"content": ""}]
    ]
    chunks[-1]["choices"][0]["finish_reason"] = reason
    chunks[-1]["usage"] = usage
    events = [(None, spell(chunk)) for chunk in chunks]
    stream = event_stream([*events, (None, "[DONE]")], newline)
    return Sent(whole=spell(whole).encode(), stream=stream)


def words(content):
    """Text and reasoning of a message's content."""
    if not isinstance(content, list):
        return content or "", ""
    text = [part.text for part in content if part.type == "text"]
    thought = [t.text for part in content if part.type == "thinking" for t in part.thinking]
    return "".join(text), "".join(thought)


def parsed(reply, messages, reason, usage):
    said = [words(message.content) for message in messages]
    found = [call for message in messages for call in message.tool_calls or []]
    return Parsed(
        text="".join(text for text, _ in said),
        calls=tuple(
            Call(
                call.function.name,
                parse_arguments(call.function.arguments)
                if isinstance(call.function.arguments, str)
                else call.function.arguments,
                None if call.id == "null" else call.id,
            )
            for call in found
        ),
        finish_reason=reason,
        model=reply.model,
        response_id=reply.id,
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cached_input_tokens=usage.additional_properties.get("num_cached_tokens"),
        reasoning_text="".join(thought for _, thought in said),
    )


def say(client, *, streamed, **options):
    if not streamed:
        reply = client.chat.complete(**options)
        (choice,) = reply.choices
        return parsed(reply, [choice.message], choice.finish_reason, reply.usage)
    with client.chat.stream(**options) as events:
        chunks = [event.data for event in events]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    reasons = [choice.finish_reason for choice in choices if choice.finish_reason]
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    return parsed(chunks[0], [choice.delta for choice in choices], reasons[-1], usages[-1])


answers = []
memory = mistralai.Mistral(
    api_key="k",
    client=httpx2.Client(transport=httpx2.MockTransport(lambda _request: answers.pop())),
)


def parse(body, streamed):
    kind = EVENT_STREAM if streamed else "application/json"
    answers.append(httpx2.Response(200, headers={"content-type": kind}, content=body))
    question = [{"role": "user", "content": "Hi"}]
    return say(memory, streamed=streamed, model="mistral-x", messages=question)


def ask(base_url, request):
    body = orjson.loads(request.body)
    streamed = body.pop("stream")
    with mistralai.Mistral(api_key="k", server_url=base_url) as client:
        return say(client, streamed=streamed, **body)


WIRE = Wire(
    provider="mistral",
    sent=sent(),
    parse=parse,
    ask=ask,
    model="mistral-sim",
    prefix="/mistral",
    thinks=True,
)
