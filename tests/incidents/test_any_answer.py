"""No body that a provider, or a file, may hold makes an incident fail."""

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.incidents import Part, WireAnswer, change_answer, read_catalogue
from contractcheck.incidents.striking import WIRE_CHANGES

MEMBERS = [
    "candidates",
    "choices",
    "content",
    "content_block",
    "data",
    "delta",
    "embedding",
    "finishReason",
    "finish_reason",
    "id",
    "index",
    "input",
    "item",
    "message",
    "output",
    "output_index",
    "output_tokens",
    "part",
    "parts",
    "response",
    "sequence_number",
    "stop_reason",
    "text",
    "tool_calls",
    "total_tokens",
    "type",
    "usage",
    "usageMetadata",
    "candidatesTokenCount",
    "completion_tokens",
    "completion_tokens_details",
    "prompt_tokens_details",
    "reasoning_tokens",
    "role",
    "modelVersion",
]
KINDS = [
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "message_start",
    "content_block_start",
    "content_block_delta",
    "ping",
    "content-delta",
    "reasoning",
]
leaf = (
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.sampled_from(["", "a b", '{"a": "b c"}', *KINDS])
)
value = st.recursive(
    leaf | st.floats(-1, 1),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5)
    ),
    max_leaves=25,
)
document = st.fixed_dictionaries(
    {}, optional={"embedding": st.lists(leaf, max_size=3) | st.text("Aa+=", max_size=9)}
) | st.dictionaries(st.sampled_from(MEMBERS), value, max_size=6)


def event_of(body):
    name = body.get("type")
    head = f"event: {name}\n" if isinstance(name, str) and name in KINDS else ""
    return head.encode() + b"data: " + orjson.dumps(body) + b"\n\n"


@settings(max_examples=250, deadline=None)
@given(
    name=st.sampled_from(list(WIRE_CHANGES)),
    documents=st.lists(document, max_size=4),
    is_streamed=st.booleans(),
    is_struck=st.booleans(),
)
def test_any_answer_is_struck_or_left_and_nothing_is_raised(
    name, documents, is_streamed, is_struck
):
    bodies = (
        [event_of(one) for one in documents]
        if is_streamed
        else [orjson.dumps(documents[0] if documents else [])]
    )
    answer = WireAnswer(
        status=200,
        headers=(),
        parts=tuple(Part(due_s=0.1 * n, data=data) for n, data in enumerate(bodies)),
        is_streamed=is_streamed,
    )
    for wire_format in read_catalogue()[name].formats:
        told = {"wire_format": wire_format, "key": "key", "is_struck": is_struck}
        changed = change_answer(answer, name, **told)
        assert changed == change_answer(answer, name, **told)
        times = [part.due_s for part in changed.parts]
        assert times == sorted(times)


def test_what_is_nested_too_deeply_to_be_written_again_is_left_as_it_is():
    body = b'{"choices": [{"message": ' + b"[" * 400 + b"]" * 400 + b"}]}"
    answer = WireAnswer(
        status=200, headers=(), parts=(Part(due_s=0.1, data=body),), is_streamed=False
    )
    told = {"wire_format": "openai-chat", "key": "key", "is_struck": True}
    assert change_answer(answer, "finish-details-object", **told) == answer
