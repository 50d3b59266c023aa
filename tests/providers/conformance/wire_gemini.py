"""Gemini by the Gemini API, read by the SDK ``google-genai``."""

import json
import re
from base64 import b64encode
from functools import cache

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
from google import genai
from google.genai import types
from hypothesis import strategies as st

signatures = st.binary(min_size=1, max_size=9).map(lambda data: b64encode(data).decode())
parts = st.one_of(
    st.builds(
        lambda text, signed: {"text": text, **signed}, texts, maybe("thoughtSignature", signatures)
    ),
    st.builds(lambda text: {"text": text, "thought": True}, texts),
    st.builds(
        lambda name, arguments, key, signed: {
            "functionCall": {"name": name, **arguments, **key},
            **signed,
        },
        names,
        maybe("args", objects),
        maybe("id", ids),
        maybe("thoughtSignature", signatures),
    ),
    st.builds(lambda signature: {"thoughtSignature": signature}, signatures),
)
usages = st.builds(
    lambda *members: {"promptTokenCount": 11, **{k: v for m in members for k, v in m.items()}},
    maybe("candidatesTokenCount", counts),
    maybe("thoughtsTokenCount", counts),
    maybe("cachedContentTokenCount", counts),
    maybe("totalTokenCount", counts),
    maybe("promptTokensDetails", st.just([{"modality": "TEXT", "tokenCount": 11}])),
    maybe("trafficType", st.just("ON_DEMAND")),
)
kept_back = st.sampled_from(["SAFETY", "RECITATION", "UNEXPECTED_TOOL_CALL", "OTHER"])
blocked = st.sampled_from(["SAFETY", "PROHIBITED_CONTENT", "OTHER", "BLOCKLIST"])
ratings = st.just([{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}])


@st.composite
def sent(draw):
    head = {"modelVersion": "gemini-x", **draw(maybe("responseId", ids))}
    usage = draw(usages)
    spell, newline = draw(spellings), draw(newlines)
    kind = draw(st.sampled_from(["written", "written", "written", "kept back", "blocked"]))
    if kind == "blocked":
        feedback = {"blockReason": draw(blocked), **draw(maybe("safetyRatings", ratings))}
        whole = {"promptFeedback": feedback, "usageMetadata": usage, **head}
        chunks = [whole]
    elif kind == "kept back":
        candidate = {"finishReason": draw(kept_back), "index": 0}
        candidate |= draw(maybe("safetyRatings", ratings))
        whole = {"candidates": [candidate], "usageMetadata": usage, **head}
        chunks = [whole]
    else:
        whole, chunks = draw(written(head, usage))
    pairs = [(None, spell(chunk)) for chunk in chunks]
    return Sent(whole=spell(whole).encode(), stream=event_stream(pairs, newline))


@st.composite
def written(draw, head, usage):
    content = draw(st.lists(parts, max_size=4))
    reason = draw(st.sampled_from(["STOP", "MAX_TOKENS"]))
    beside = {"index": 0, **draw(maybe("avgLogprobs", st.just(-0.5)))}

    def answer(said, **members):
        inner = {"parts": said, "role": "model"} if said is not None else {}
        return {"candidates": [{"content": inner, **beside, **members}], **head}

    whole = {**answer(content, finishReason=reason), "usageMetadata": usage}
    chunks = [answer([piece]) for part in content for piece in draw(split(part))]
    early = draw(maybe("usageMetadata", st.just({"promptTokenCount": 11})))
    chunks = [{**chunk, **early} for chunk in chunks]
    if chunks and draw(st.booleans()):
        chunks[-1]["candidates"][0]["finishReason"] = reason
        chunks[-1]["usageMetadata"] = usage
    else:
        last = draw(st.sampled_from([[{"text": ""}], [], None]))
        chunks.append({**answer(last, finishReason=reason), "usageMetadata": usage})
    return whole, chunks


@st.composite
def split(draw, part):
    """Texts are cut anywhere, calls never."""
    if "text" not in part:
        return [part]
    return [{**part, "text": piece} for piece in draw(pieces(part["text"]))]


def parsed(responses):
    candidates = [one for response in responses for one in (response.candidates or [])[:1]]
    found = [
        part
        for candidate in candidates
        if candidate.content is not None
        for part in candidate.content.parts or []
    ]
    feedback = [one.prompt_feedback for one in responses if one.prompt_feedback is not None]
    reasons = [one.block_reason for one in feedback] + [one.finish_reason for one in candidates]

    def count(name):
        told = [getattr(one.usage_metadata, name) for one in responses if one.usage_metadata]
        return next((number for number in reversed(told) if number is not None), None)

    return Parsed(
        text="".join(part.text for part in found if part.text and not part.thought),
        calls=tuple(
            Call(part.function_call.name, part.function_call.args or {}, part.function_call.id)
            for part in found
            if part.function_call is not None
        ),
        finish_reason=next((one.value for one in reversed(reasons) if one is not None), None),
        model=responses[-1].model_version,
        response_id=responses[-1].response_id,
        input_tokens=count("prompt_token_count"),
        output_tokens=(count("candidates_token_count") or 0) + (count("thoughts_token_count") or 0),
        cached_input_tokens=count("cached_content_token_count"),
        reasoning_text="".join(part.text for part in found if part.text and part.thought),
    )


def say(client, *, streamed, **question):
    if streamed:
        return parsed(list(client.models.generate_content_stream(**question)))
    return parsed([client.models.generate_content(**question)])


def in_memory(**options):
    """Return a function that reads a body with a client whose server is a list."""
    answers = []
    transport = httpx2.MockTransport(lambda _request: answers.pop())
    http = types.HttpOptions(client_args={"transport": transport})
    client = genai.Client(http_options=http, **options)

    def parse(body, streamed):
        kind = EVENT_STREAM if streamed else "application/json"
        answers.append(httpx2.Response(200, headers={"content-type": kind}, content=body))
        return say(client, streamed=streamed, model="gemini-x", contents="Hi")

    return parse


def in_camel_case(value):
    """The SDK spells a few names with underscores: protobuf's JSON allows both."""
    if isinstance(value, dict):
        return {
            re.sub("_([a-z])", lambda found: found[1].upper(), name): in_camel_case(inner)
            for name, inner in value.items()
        }
    return [in_camel_case(inner) for inner in value] if isinstance(value, list) else value


# Plain http only, and nothing kept open that would have to be closed.
through = httpx2.HTTPTransport(verify=False, limits=httpx2.Limits(max_keepalive_connections=0))


def asking(**options):
    """Return a function that puts the question of a request with the SDK."""
    asked = []

    def forward(theirs):
        # Spelled as we spell it: the simulator answers by the bytes of a question.
        ours = asked.pop()
        assert in_camel_case(json.loads(theirs.content)) == in_camel_case(json.loads(ours.body))
        assert theirs.url.raw_path == ours.path.encode()
        headers = {
            name: value for name, value in theirs.headers.items() if name != "content-length"
        }
        again = httpx2.Request("POST", theirs.url, headers=headers, content=ours.body)
        return through.handle_request(again)

    @cache
    def open_client(base_url):  # takes long
        client_args = {"transport": httpx2.MockTransport(forward)}
        http = types.HttpOptions(base_url=base_url, client_args=client_args)
        return genai.Client(http_options=http, **options)

    def ask(base_url, request):
        asked.append(request)
        streamed = "streamGenerate" in request.path
        question = sdk_arguments(json.loads(request.body))
        return say(open_client(base_url), streamed=streamed, **question)

    return ask


def sdk_arguments(body):
    config = {**body, **body.get("generationConfig", {})}
    contents = config.pop("contents")
    config.pop("generationConfig", None)
    return {
        "model": WIRE.model,
        "contents": [types.Content.model_validate_json(orjson.dumps(one)) for one in contents],
        "config": types.GenerateContentConfig.model_validate_json(orjson.dumps(config)),
    }


WIRE = Wire(
    provider="gemini",
    sent=sent(),
    parse=in_memory(api_key="k"),
    ask=asking(api_key="k"),
    model="gemini-sim",
)
