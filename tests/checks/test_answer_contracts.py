"""That something was answered, whole, in the right script, and neither declined nor padded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.checks import CHECKS, run_check
from contractcheck.model.completion import Completion, Outcome, ToolCall
from contractcheck.model.suite import CheckMode, CheckSpec

CALL = ToolCall(name="look_up", arguments={}, is_parsed=True)


def answer(text="", reason="stop", calls=()):
    return Completion(
        outcome=Outcome.ANSWERED, text=text, tool_calls=tuple(calls), finish_reason=reason
    )


def outcome(name, completion, argument=None):
    spec = CheckSpec(name=name, argument=argument, mode=CheckMode.NO_WORSE, rate=None, label=name)
    result = run_check(spec, completion, None)
    return result.passed, result.detail


@pytest.mark.parametrize(
    ("name", "argument", "completion", "detail"),
    [
        ("ending", "finished", answer(reason="end_turn"), ""),
        ("ending", ("finished", "tool_calls"), answer(reason="TOOL_CALL"), ""),
        ("ending", "tool_calls", answer(reason="stop"), "expected 'tool_calls', got 'finished' (finish reason 'stop')"),
        ("ending", "finished", answer(reason="new\x1b"), "expected 'finished', got 'other' (finish reason 'new\\x1b')"),
        ("ending", "finished", answer(reason=None), "expected 'finished', got 'none' (no finish reason)"),
        ("not_truncated", None, answer("Once", "stop"), ""),
        ("not_truncated", None, answer("Once", None), ""),
        ("not_truncated", None, answer("Once", "MAX_TOKENS"), "cut by a limit of tokens (finish reason 'MAX_TOKENS')"),
        ("not_truncated", None, answer("Once", "length"), "cut by a limit of tokens (finish reason 'length')"),
        ("no_refusal", None, answer("Here it is."), ""),
        ("no_refusal", None, answer("I can't help with that."), "declines (finish reason 'stop'): \"I can't help with that.\""),
        ("no_refusal", None, answer("", "SAFETY"), "declines (finish reason 'SAFETY'): ''"),
        ("no_refusal", None, answer("", "refusal"), "declines (finish reason 'refusal'): ''"),
        ("no_refusal", None, answer("", "guardrail_intervened"), "declines (finish reason 'guardrail_intervened'): ''"),
        ("not_empty", None, answer("."), ""),
        ("not_empty", None, answer("", calls=[CALL]), ""),
        ("not_empty", None, answer(" \n\t", "STOP"), "neither text nor tool call came (finish reason 'STOP')"),
        ("no_padding", None, answer("{" + "\n" * 50 + "}"), ""),
        ("no_padding", None, answer("{" + "\n" * 51 + "}"), "more than 50 blanks in a row in '{" + "\\n" * 51 + "}'"),
        ("no_padding", None, answer("a" + " \n\t" * 17), "more than 50 blanks in a row in 'a'"),
        ("script", "Latin", answer("Ça va? 7 µm → 3 € 😀 Straße"), ""),
        ("script", "Latin", answer("1 + 1 = 2"), ""),
        ("script", "Latin", answer("a stray ข here"), "'ข' is not 'Latin', in 'a stray ข here'"),
        ("script", ("Latin", "Thai"), answer("a stray ข here"), ""),
        ("script", ("Han", "Hiragana", "Katakana"), answer("ラーメンを食べる。"), ""),
        ("script", "Cyrillic", answer("Привет, мир"), ""),
        ("script", "Cyrillic", answer("да, yes"), "'y' is not 'Cyrillic', in 'да, yes'"),
        ("script", "Latin", answer("half \ud800 a pair"), ""),
    ],
)  # fmt: skip
def test_checks(name, argument, completion, detail):
    assert outcome(name, completion, argument) == (not detail, detail)


@pytest.mark.parametrize(
    ("name", "argument", "words"),
    [
        ("ending", "stop", "'stop' is no ending: use 'finished', 'tool_calls', 'length'"),
        ("script", "Klingon", "'Klingon' is no script that is known here: use 'Arabic'"),
        ("script", "latin", "'latin' is no script"),
        ("not_empty", "x", "not_empty takes no argument"),
    ],
)
def test_arguments_are_refused(name, argument, words):
    assert words in CHECKS[name].problem_with(argument, None)


@given(st.text(), st.none() | st.text(max_size=8))
def test_no_answer_makes_a_check_raise(text, reason):
    arguments = {"ending": "finished", "script": ("Latin", "Han")}
    for name in ("ending", "not_truncated", "no_refusal", "not_empty", "no_padding", "script"):
        passed, detail = outcome(name, answer(text, reason), arguments.get(name))
        assert passed == (not detail)
        assert detail.isprintable()
