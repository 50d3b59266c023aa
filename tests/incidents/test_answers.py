"""Incidents: each changes what it says it changes, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.incidents import INCIDENTS
from contractcheck.metrics import METRICS
from contractcheck.model.completion import Answer, Completion, Outcome, Timing, ToolCall

_CALL = ToolCall(name="lookup", arguments={"id": 7, "ok": True, "who": "x"}, is_parsed=True)
_TALK = Answer(
    completion=Completion(outcome=Outcome.ANSWERED, text='{"priority": 2}', finish_reason="stop"),
    timing=Timing(ttft_s=0.4, total_s=2.4),
)
_TOOL = Answer(
    completion=Completion(
        outcome=Outcome.ANSWERED, tool_calls=(_CALL,), finish_reason="tool_calls"
    ),
    timing=Timing(ttft_s=0.4, total_s=0.6),
)


def test_every_incident_changes_some_answer() -> None:
    for incident in INCIDENTS.values():
        struck = [incident.strike(answer, 2.0) for answer in (_TALK, _TOOL)]
        assert struck != [_TALK, _TOOL], incident.name


def test_a_refusal_is_one_for_the_metric_too() -> None:
    struck = INCIDENTS["refusals"].strike(_TALK, 1.0)
    assert METRICS["refusal"].apply(struck, "") == "yes"
    assert METRICS["refusal"].apply(_TALK, "") == "no"


def test_a_cut_answer_says_why_it_ended() -> None:
    struck = INCIDENTS["truncation"].strike(_TALK, 1.0).completion
    assert _TALK.completion.text.startswith(struck.text)
    assert len(struck.text) < len(_TALK.completion.text)
    assert struck.finish_reason == "length"


def test_only_numbers_of_arguments_are_spelt() -> None:
    (call,) = INCIDENTS["argument_types"].strike(_TOOL, 1.0).completion.tool_calls
    assert call.arguments == {"id": "7", "ok": True, "who": "x"}


def test_skipped_tools_leave_words() -> None:
    completion = INCIDENTS["skipped_tools"].strike(_TOOL, 1.0).completion
    assert completion.tool_calls == ()
    assert completion.text
    assert completion.finish_reason == "stop"


@given(factor=st.floats(1.0, 10.0), ttft_s=st.none() | st.floats(0.01, 5.0))
def test_slow_incidents_only_add_time(factor: float, ttft_s: float | None) -> None:
    answer = replace(_TALK, timing=Timing(ttft_s=ttft_s, total_s=6.0))
    for name in ("slow_first_token", "slow_tokens"):
        struck = INCIDENTS[name].strike(answer, factor)
        assert struck.completion == answer.completion
        assert struck.timing.total_s >= answer.timing.total_s - 1e-9
        if ttft_s is not None:
            assert (struck.timing.ttft_s or 0) <= struck.timing.total_s
    if ttft_s is not None:
        late = INCIDENTS["slow_first_token"].strike(answer, factor).timing
        assert late.ttft_s == pytest.approx(ttft_s * factor)
        assert late.total_s - 6.0 == pytest.approx(ttft_s * (factor - 1.0))


def test_share_incidents_leave_times_alone() -> None:
    for incident in INCIDENTS.values():
        if incident.unit == "share":
            assert incident.strike(_TALK, 1.0).timing == _TALK.timing, incident.name
