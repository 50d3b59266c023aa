"""Every documented finish reason means one thing, whoever sends it."""

from __future__ import annotations

from typing import get_args

import pytest
from anthropic.types import StopReason
from cohere.types import ChatFinishReason
from google.genai.types import FinishReason
from hypothesis import given
from hypothesis import strategies as st
from mistralai.client.models import ChatCompletionChoiceFinishReason
from openai.types.chat.chat_completion import Choice

from contractcheck.model.ending import ENDINGS, AnswerEnding, ending_of


@pytest.mark.parametrize(
    ("reason", "ending"),
    [
        ("stop", "finished"), ("STOP", "finished"), ("end_turn", "finished"), ("COMPLETE", "finished"),
        ("tool_calls", "tool_calls"), ("tool_use", "tool_calls"), ("TOOL_CALL", "tool_calls"),
        ("length", "length"), ("max_tokens", "length"), ("MAX_TOKENS", "length"),
        ("model_context_window_exceeded", "length"), ("max_output_tokens", "length"),
        ("refusal", "refused"), ("content_filter", "filtered"), ("SAFETY", "filtered"),
        ("guardrail_intervened", "filtered"), ("MALFORMED_FUNCTION_CALL", "malformed"),
        ("UNEXPECTED_TOOL_CALL", "malformed"), ("pause_turn", "paused"), ("ERROR", "failed"),
        ("OTHER", "other"), ("", "other"), (None, "none"),
    ],
)  # fmt: skip
def test_endings(reason, ending):
    assert ending_of(reason) == ending


# What a provider itself leaves open.
UNCLEAR = {"OTHER", "FINISH_REASON_UNSPECIFIED", "IMAGE_OTHER", "NO_IMAGE", "PUP_LIMITED_DISABLED"}


def test_what_the_sdks_know_is_known_here():
    finish_reason = Choice.model_fields["finish_reason"].annotation
    spelled = [
        *get_args(finish_reason),
        *get_args(StopReason),
        *(value for value in get_args(get_args(ChatFinishReason)[0]) if isinstance(value, str)),
        *(reason.value for reason in FinishReason),
        *(value for part in get_args(ChatCompletionChoiceFinishReason) for value in get_args(part)),
    ]
    known = [value for value in spelled if isinstance(value, str)]
    assert len(known) > 40
    assert {value for value in known if ending_of(value) == "other"} == UNCLEAR


@given(st.none() | st.text(max_size=20))
def test_any_reason_has_an_ending(reason):
    assert ending_of(reason) in ENDINGS
    assert set(ENDINGS) == set(get_args(AnswerEnding))
