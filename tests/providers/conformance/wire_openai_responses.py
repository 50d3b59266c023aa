"""OpenAI responses, read by the SDK ``openai``."""

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

parts = st.builds(
    lambda text, marks: {"type": "output_text", "text": text, "annotations": [], **marks},
    texts,
    maybe("logprobs", st.just([])),
) | st.builds(lambda text: {"type": "refusal", "refusal": text}, texts)
messages = st.builds(
    lambda key, content, phase: {
        "id": f"msg_{key}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": content,
        **phase,
    },
    ids,
    st.lists(parts, max_size=2),
    maybe("phase", st.sampled_from(["commentary", "final_answer", None])),
)
thoughts = st.builds(
    lambda key, summary, content: {
        "id": f"rs_{key}",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in summary],
        **content,
    },
    ids,
    st.lists(texts, max_size=2),
    maybe("content", texts.map(lambda text: [{"type": "reasoning_text", "text": text}])),
)
calls = st.builds(
    lambda key, name, arguments: {
        "id": f"fc_{key}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{key}",
        "name": name,
        "arguments": arguments,
    },
    ids,
    names,
    objects.map(lambda value: orjson.dumps(value).decode()) | letters,
)
searches = st.builds(
    lambda key: {"id": f"ws_{key}", "type": "web_search_call", "status": "completed"}, ids
)
usages = st.builds(
    lambda cached, spent, thought: {
        "input_tokens": 11,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
        "output_tokens": spent,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": 11 + spent,
    },
    counts,
    counts,
    counts,
)
endings = st.just(("completed", None)) | st.builds(
    lambda reason: ("incomplete", {"reason": reason}),
    st.sampled_from(["max_output_tokens", "content_filter"]),
)


@st.composite
def sent(draw):
    output = draw(st.lists(thoughts | messages | calls | searches, max_size=4))
    spell, newline = draw(spellings), draw(newlines)
    status, details = draw(endings)
    head = {
        "id": f"resp_{draw(ids)}",
        "object": "response",
        "created_at": 1_767_225_600,
        "model": "gpt-x-2026-01-01",
        "error": None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        **draw(maybe("billing", st.just({"payer": "developer"}))),
    }
    whole = {
        **head,
        "status": status,
        "incomplete_details": details,
        "output": output,
        "usage": draw(usages),
    }
    opening = {**head, "status": "in_progress", "incomplete_details": None, "output": []}
    events = [("response.created", {"response": {**opening, "usage": None}})]
    for index, item in enumerate(output):
        events += draw(item_events(index, item))
    events.append((f"response.{status}", {"response": whole}))
    pairs = [
        (kind, spell({"type": kind, "sequence_number": number, **members}))
        for number, (kind, members) in enumerate(events)
    ]
    return Sent(whole=spell(whole).encode(), stream=event_stream(pairs, newline))


@st.composite
def item_events(draw, index, item):
    place = {"item_id": item["id"], "output_index": index}
    opened = {**item, **({"arguments": ""} if item["type"] == "function_call" else {})}
    events = [("response.output_item.added", {"output_index": index, "item": opened})]
    if item["type"] == "function_call":
        kind = "response.function_call_arguments"
        events += [
            (f"{kind}.delta", {**place, "delta": piece})
            for piece in draw(pieces(item["arguments"]))
        ]
        done = {"name": item["name"], "arguments": item["arguments"]}
        events.append((f"{kind}.done", {**place, **done}))
    elif item["type"] == "message":
        for number, part in enumerate(item["content"]):
            events += draw(part_events({**place, "content_index": number}, part))
    return [*events, ("response.output_item.done", {"output_index": index, "item": item})]


@st.composite
def part_events(draw, place, part):
    member = "text" if part["type"] == "output_text" else "refusal"
    kind = f"response.{part['type']}"
    extra = {"logprobs": []} if member == "text" else {}
    return [
        ("response.content_part.added", {**place, "part": {**part, member: ""}}),
        *(
            (f"{kind}.delta", {**place, **extra, "delta": piece})
            for piece in draw(pieces(part[member]))
        ),
        (f"{kind}.done", {**place, **extra, member: part[member]}),
        ("response.content_part.done", {**place, "part": part}),
    ]


def shown(item):
    """The reasoning itself where it is told, else the summary."""
    if item.type != "reasoning":
        return ""
    told = "".join(content.text for content in item.content or ())
    return told or "".join(summary.text for summary in item.summary)


def parsed(response):
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    usage, details = response.usage, response.incomplete_details
    return Parsed(
        text="".join(part.text if part.type == "output_text" else part.refusal for part in parts),
        calls=tuple(
            Call(item.name, parse_arguments(item.arguments), item.call_id)
            for item in response.output
            if item.type == "function_call"
        ),
        finish_reason=details.reason if details else response.status,
        model=response.model,
        response_id=response.id,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_input_tokens=usage.input_tokens_details.cached_tokens,
        reasoning_text="".join(map(shown, response.output)),
    )


TEXT_DELTAS = ("response.output_text.delta", "response.refusal.delta")


def say(client, **options):
    answer = client.responses.create(**options)
    if not options.get("stream"):
        return parsed(answer)
    events = list(answer)
    whole = parsed(events[-1].response)
    assert "".join(event.delta for event in events if event.type in TEXT_DELTAS) == whole.text
    return whole


answers = []
memory = openai.OpenAI(
    api_key="k",
    max_retries=0,
    http_client=httpx2.Client(transport=httpx2.MockTransport(lambda _request: answers.pop())),
)


def parse(body, streamed):
    kind = EVENT_STREAM if streamed else "application/json"
    answers.append(httpx2.Response(200, headers={"content-type": kind}, content=body))
    return say(memory, model="gpt-x", input="Hi", stream=streamed)


def ask(base_url, request):
    url = f"{base_url}/v1"
    with openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client:
        return say(client, **orjson.loads(request.body))


WIRE = Wire(
    provider="openai-responses",
    sent=sent(),
    parse=parse,
    ask=ask,
    model="gpt-sim",
    lacks=frozenset({"stop"}),
)
