"""``contractcheck runs``: what is printed, and the exit codes."""

from __future__ import annotations

import gzip
import json
import secrets
from dataclasses import replace

import click.testing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import create_run, seal_run
from contractcheck.cli import cli
from contractcheck.errors import UsageError
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber
from contractcheck.simulator.aws_events import encode_event
from contractcheck.workflows.workspace import Workspace

TARGET = Target(provider="openai", model="gpt-sim")
HOSTILE = "\x1b]52;c;Zm9v\x07\n::set-output name=a::b\n##[error]boo \u202e"
KEY = "sk-proj-Zq81nVtR5mPx0aLwKd93Bv7Yc2Xh"

HEADER = RunHeader(
    id="20260302t020000z-b",
    suite="hello",
    suite_version="1.0.0",
    suite_fingerprint="f" * 64,
    target=TARGET,
    night="2026-03-01",
    started_at="2026-03-01T02:00:00+00:00",
    ended_at=None,
    status="interrupted",
    cases={},
    vantage={"region": "eu-1"},
)


def make_exchange(case="greet", trial=0, body=b'{"ok": true}', *, headers=(), **changes):
    made = Exchange(
        case=case,
        trial=trial,
        attempt=0,
        request=Request(
            method="POST",
            url="http://127.0.0.1:1/v1/chat",
            headers=(("content-type", "application/json"),),
            body=b'{"model": "gpt-sim"}',
            digest="0" * 32,
        ),
        response=Response(
            status=200,
            http_version="HTTP/1.1",
            headers=(("content-type", "application/json"), *headers),
            body=body,
            chunk_bytes=(len(body),),
            chunk_times_us=(900_000,),
            reason="OK",
        ),
        started_at="2026-03-01T02:00:00+00:00",
        waited_us=1000,
        headers_us=500_000,
        end_us=1_000_000,
        ended="eof",
        error=None,
    )
    return replace(made, **changes)


def write_run(root, *exchanges, run_id="20260301t020000z-a", **changes):
    cases = {one.case: CasePlan(samples=3, request_fingerprint="r", parts={}) for one in exchanges}
    header = replace(HEADER, **{"id": run_id, "cases": cases, **changes})
    folder = Workspace(root).runs.folder(header.suite, header.target, run_id)
    run = create_run(folder, header, Scrubber.for_secrets([]))
    for exchange in exchanges:
        run.append(exchange)
    run.close()
    seal_run(folder, status="partial", ended_at="2026-03-01T03:00:00+00:00")
    return folder


@pytest.fixture
def call(tmp_path):
    """Run a command; its exit code and what it printed."""

    def call(*arguments, root=tmp_path):
        command = [arguments[0], "--root", str(root), *arguments[1:]]
        result = click.testing.CliRunner().invoke(cli, ["runs", *command], standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.return_value or 0, result.stdout

    return call


ACTING = {chr(code) for code in (*range(9), *range(11, 32), *range(127, 160))} | {
    "\u200b",
    "\u2028",
    "\u202e",
    "\ufeff",
}


def is_harmless(text):
    acting = {"\x1b", "\x07", "\u202e"} & set(text)
    commands = [line for line in text.splitlines() if line.lstrip().startswith(("::", "##["))]
    return not acting and not commands


def test_without_a_word_more_runs_are_listed(tmp_path, call):
    write_run(tmp_path, make_exchange())
    listed = call("ls")
    invoked = click.testing.CliRunner().invoke(cli, ["runs", "--root", str(tmp_path)])
    assert listed == (0, invoked.stdout)
    assert listed[1].split("  ")[:7] == [
        "20260301t020000z-a",
        "hello",
        "openai:gpt-sim",
        "2026-03-01",
        "3 trials planned",
        "partial",
        "sealed",
    ]


def test_a_run_that_is_being_recorded_is_told_from_one_that_was_interrupted(tmp_path, call):
    sealed = write_run(tmp_path, make_exchange())
    header = replace(HEADER, cases={"greet": CasePlan(samples=3, request_fingerprint="", parts={})})
    run = create_run(sealed.with_name("20260302t020000z-b"), header, Scrubber.for_secrets([]))
    run.append(make_exchange())
    for status in ("being recorded", "interrupted"):
        line = call("ls")[1].splitlines()[1]
        assert line.split("  ")[4:7] == ["1 of 3 trials", status, "open"]
        assert f"status   {status}, open" in call("show", "20260302")[1].splitlines()
        run.close()


def test_the_root_may_stand_before_the_command(tmp_path):
    write_run(tmp_path, make_exchange())
    words = ["runs", "--root", str(tmp_path), "ls", "--suite", "hello"]
    assert "20260301t020000z-a" in click.testing.CliRunner().invoke(cli, words).stdout


def test_the_list_is_read_by_programs_too(tmp_path, call):
    folder = write_run(tmp_path, make_exchange(), label=HOSTILE)
    _, text = call("ls", "--json")
    assert text.isascii()
    assert is_harmless(text)
    (run,) = json.loads(text)
    assert (run["folder"], run["state"], run["label"]) == (str(folder), "sealed", HOSTILE)
    assert json.loads(call("ls", "--json", "--suite", "other")[1]) == []
    assert json.loads(call("ls", "--json", "--target", "openai:x")[1]) == []


def test_a_target_that_is_none_is_refused(call):
    with pytest.raises(UsageError, match="--target 'gpt' is not PROVIDER:MODEL"):
        call("ls", "--target", "gpt")


def test_a_run_is_shown_with_header_and_counts(tmp_path, call):
    limited = make_exchange(trial=1)
    limited = replace(limited, response=replace(limited.response, status=429))
    write_run(tmp_path, make_exchange(), limited, make_exchange("part"))
    code, text = call("show", "20260301")
    assert code == 0
    assert "suite    hello 1.0.0 (ffffffffffff)" in text
    assert "vantage  region eu-1" in text
    assert (
        "greet  2/3 trials  2 attempts  status 200x1 429x1  ended eofx2  median 1.000 s  24 B"
        in text
    )
    assert "part  1/3 trials" in text


def test_the_exchanges_of_a_case_are_shown_one_by_one(tmp_path, call):
    nothing = make_exchange(trial=1, response=None, headers_us=None, ended="error", error="Refused")
    write_run(tmp_path, make_exchange(), nothing)
    first, second = call("show", "20260301", "--case", "greet")[1].splitlines()
    assert first == (
        "trial 0 attempt 0  POST http://127.0.0.1:1/v1/chat  200 OK  eof  waited 0.001 s, "
        "headers 0.500 s, end 1.000 s  12 B in 1 chunk"
    )
    assert "no response  error Refused" in second


def test_what_a_provider_sent_can_be_read_and_cannot_act(tmp_path, call):
    headers = (("x-request-id", HOSTILE.replace("\n", " ")),)
    body = json.dumps({"text": HOSTILE}, ensure_ascii=False).encode() + HOSTILE.encode()
    folder = write_run(tmp_path, make_exchange(body=body, headers=headers), label=HOSTILE)
    for words in (["ls"], ["show", str(folder)], ["show", str(folder), "--case", "greet"]):
        assert is_harmless(call(*words)[1])
    text = call("show", str(folder), "--case", "greet", "--trial", "0")[1]
    assert is_harmless(text)
    assert "\\x1b]52;c;Zm9v" in text
    assert '  | {"model": "gpt-sim"}' in text.splitlines()


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.text(
        st.sampled_from("a:#[] \n\t\r\x00\x07\x1b\x7f\x9b\u200b\u202e\u2028\ufeff")
        | st.characters()
    )
)
def test_no_text_of_a_recording_acts(tmp_path, call, text):
    words = text.encode("utf-8", "replace").decode()
    headers = (("date", words.replace("\n", " ").replace("\r", " ")),)
    exchange = make_exchange(body=words.encode(), headers=headers, note=words)
    folder = write_run(tmp_path / secrets.token_hex(4), exchange, label=words, vantage={"a": words})
    case = ["--case", "greet"]
    for command in (["ls"], ["ls", "--json"], ["show", str(folder)], ["show", str(folder), *case]):
        shown = call(*command, root=folder.parents[4])[1]
        assert not ACTING & set(shown)
        assert is_harmless(shown)
    whole = call("show", str(folder), *case, "--trial", "0")[1]
    assert not ACTING & set(whole)
    assert is_harmless(whole)


def test_a_body_does_not_look_like_lines_of_ours(tmp_path, call):
    folder = write_run(tmp_path, make_exchange(body=b"a\nHTTP/1.1 500 forged\n"))
    lines = call("show", str(folder), "--case", "greet", "--trial", "0")[1].splitlines()
    assert [line for line in lines if line.startswith("HTTP/")] == ["HTTP/1.1 200 OK"]


def test_an_imported_exchange_is_shown_without_times(tmp_path, call):
    folder = write_run(tmp_path, make_exchange(via="vcrpy", end_us=0))
    assert "  eof  no times  12 B" in call("show", str(folder), "--case", "greet")[1]
    assert "  no times  12 B" in call("show", str(folder))[1]


def test_a_compressed_body_is_shown_decoded_and_written_raw(tmp_path, call):
    body = gzip.compress(b'{"inside": 1}')
    coding = (("content-encoding", "gzip"),)
    folder = write_run(tmp_path, make_exchange(body=body, headers=coding))
    where = ["show", str(folder), "--case", "greet", "--trial", "0"]
    assert '{"inside": 1}' in call(*where)[1]
    result = click.testing.CliRunner().invoke(cli, ["runs", *where, "--raw"])
    assert result.stdout_bytes == body


def stream(*deltas, coding=None):
    """A streamed answer of openai: its body, and what its headers say of it."""
    common = {"model": "gpt-sim", "system_fingerprint": "fp_1"}
    chunks = [{**common, "choices": [{"delta": delta}]} for delta in deltas]
    chunks += [
        {**common, "choices": [{"delta": {}, "finish_reason": "stop"}]},
        {**common, "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}},
    ]
    events = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    body = "".join([*events, "data: [DONE]\n\n"]).encode()
    headers = [("content-type", "text/event-stream")]
    if coding:
        headers.append(("content-encoding", coding))
        body = gzip.compress(body)
    return body, tuple(headers)


def make_stream(*deltas, coding=None, **changes):
    body, headers = stream(*deltas, coding=coding)
    made = make_exchange(**changes)
    bare = replace(made.response, body=body, chunk_bytes=(len(body),), headers=headers)
    return replace(made, response=bare)


@pytest.mark.parametrize("coding", [None, "gzip"])
def test_a_streamed_answer_is_shown_put_together(tmp_path, call, coding):
    arguments = {"index": 0, "function": {"name": "look_up", "arguments": '{"id": '}}
    rest = {"index": 0, "function": {"arguments": '"A-7"}'}}
    exchange = make_stream(
        {"content": "One moment,\nI "},
        {"content": "look."},
        {"tool_calls": [arguments]},
        {"tool_calls": [rest]},
        coding=coding,
    )
    folder = write_run(tmp_path, exchange)
    text = call("show", str(folder), "--case", "greet", "--trial", "0")[1]
    assert text.endswith(
        "answer: answered, finished by stop, 7 tokens in, 2 tokens out\n"
        "  | One moment,\n  | I look.\n"
        '  calls look_up\n  | {"id":"A-7"}\n\n'
    )
    assert '  | data: {"model": "gpt-sim"' in text


@pytest.mark.parametrize(
    "changes", [{"target": Target(provider="acme", model="x")}, {"target": TARGET}]
)
def test_what_no_dialect_reads_is_shown_as_it_came(tmp_path, call, changes):
    folder = write_run(tmp_path, make_exchange(body=b'{"output": [{"text": "Hello"}]}'), **changes)
    text = call("show", str(folder), "--case", "greet", "--trial", "0")[1]
    assert '  | {"output": [{"text": "Hello"}]}' in text
    assert "answer:" not in text


def test_an_answer_that_is_put_together_cannot_act(tmp_path, call):
    deep = '{"a":' * 900 + "1" + "}" * 900
    calls = [
        {"index": 0, "function": {"name": HOSTILE, "arguments": json.dumps({"a": HOSTILE})}},
        {"index": 1, "function": {"name": "deep", "arguments": deep}},
    ]
    exchange = make_stream({"content": HOSTILE}, {"tool_calls": calls})
    folder = write_run(tmp_path, exchange)
    text = call("show", str(folder), "--case", "greet", "--trial", "0")[1]
    assert is_harmless(text)
    assert '  calls deep\n  | "<nested too deeply>"' in text
    assert is_harmless(call("diff", str(folder), str(folder), "--bodies")[1])


def test_bytes_that_are_no_text_are_only_told(tmp_path, call):
    folder = write_run(tmp_path, make_exchange(body=b"\xff\x00"))
    text = call("show", str(folder), "--case", "greet", "--trial", "0")[1]
    assert "<2 bytes, not UTF-8; --raw writes them>" in text


def test_the_events_of_a_binary_stream_are_shown(tmp_path, call):
    events = {
        "messageStart": {"role": "assistant"},
        "contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": f"Hello{HOSTILE}"}},
        "messageStop": {"stopReason": "end_turn"},
        "metadata": {"usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9}},
    }
    body = b"".join(encode_event(kind, json.dumps(told).encode()) for kind, told in events.items())
    made = make_exchange()
    bare = replace(
        made.response,
        body=body,
        chunk_bytes=(len(body),),
        headers=(("content-type", "application/vnd.amazon.eventstream"),),
    )
    target = Target(provider="bedrock", model="claude-sim")
    folder = write_run(tmp_path, replace(made, response=bare), target=target)
    text = call("show", str(folder), "--case", "greet", "--trial", "0")[1]
    assert f"<{len(body)} bytes, not UTF-8; --raw writes them>" in text
    assert '  | messageStart {"role": "assistant"}\n' in text
    assert '  | messageStop {"stopReason": "end_turn"}\n' in text
    assert "answer: answered, finished by end_turn, 7 tokens in, 2 tokens out\n  | Hello" in text
    assert is_harmless(text)


def test_raw_bytes_go_to_a_terminal_only_when_asked_twice(tmp_path, call, monkeypatch):
    folder = write_run(tmp_path, make_exchange())
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    where = ["show", str(folder), "--case", "greet", "--trial", "0", "--raw"]
    with pytest.raises(UsageError, match="redirect it to a file"):
        call(*where)
    assert call(*where, "--to-terminal") == (0, '{"ok": true}')


def test_verification_exits_4_when_something_is_damaged(tmp_path, call):
    good = write_run(tmp_path, make_exchange())
    bad = write_run(tmp_path, make_exchange(), run_id="20260302t020000z-b")
    assert call("verify")[0] == 0
    (bad / "greet.jsonl").write_bytes(b"{}\n")
    code, text = call("verify")
    assert code == 4
    assert f"ok       run  {good}  1 exchange" in text
    assert f"DAMAGED  run  {bad / 'greet.jsonl'}" in text
    assert call("verify", good.name)[0] == 0
    assert call("verify", bad.name)[0] == 4


def test_a_search_exits_1_and_never_shows_what_it_found(tmp_path, call):
    path = tmp_path / "leaky.yaml"
    path.write_text(f"a: 1\nb: {KEY}\n")
    result = click.testing.CliRunner().invoke(
        cli, ["runs", "scan", str(tmp_path)], standalone_mode=False
    )
    assert result.return_value == 1
    assert result.stdout.startswith(f"{path}:2: ")
    assert KEY not in result.output
    path.write_text("a: 1\n")
    again = click.testing.CliRunner().invoke(
        cli, ["runs", "scan", str(tmp_path)], standalone_mode=False
    )
    assert again.return_value == 0
    assert again.stdout == ""


def test_a_comparison_exits_1_when_something_differs(tmp_path, call):
    old = write_run(tmp_path, make_exchange())
    new = write_run(tmp_path, make_exchange(body=HOSTILE.encode()), run_id="20260302t020000z-b")
    assert call("diff", str(old), str(old)) == (0, "no difference; 1 exchange compared\n")
    code, text = call("diff", str(old), str(new), "--bodies")
    assert code == 1
    assert text.startswith("greet: trial 0: body: ")
    assert is_harmless(text)


def test_pruning_removes_only_when_told_to(tmp_path, call):
    folders = [
        write_run(tmp_path, make_exchange(), run_id=f"2026030{day}t020000z-a") for day in (1, 2, 3)
    ]
    code, text = call("prune", "--older-than", "1d")
    assert code == 0
    assert text.splitlines()[0].startswith("would go 20260301t020000z-a  ")
    assert text.splitlines()[1] == "keeps    20260302t020000z-a: one of the newest 2"
    assert text.endswith("to free; --yes removes them\n")
    assert all(folder.is_dir() for folder in folders)
    code, text = call("prune", "--keep", "1", "--yes")
    assert text.splitlines()[-1].endswith(" freed")
    assert [folder.is_dir() for folder in folders] == [False, False, True]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([], "say what may go"),
        (["--keep", "1", "--yes", "--dry-run"], "contradict"),
        (["--older-than", "soon"], "is not an age such as 90d or 12h"),
        (["--older-than", "-1d"], "is not an age"),
        (["--older-than", "99999999d"], "is not an age"),
    ],
)
def test_pruning_wants_to_know_what(call, words, why):
    with pytest.raises(UsageError, match=why):
        call("prune", *words)


def test_shards_are_merged(tmp_path, call):
    write_run(tmp_path, make_exchange("greet"))
    write_run(tmp_path, make_exchange("part"), run_id="20260301t020001z-b")
    code, text = call("merge", "20260301t020000z-a", "20260301t020001z-b")
    assert code == 0
    assert text.split("  ")[1:] == ["hello", "openai:gpt-sim", "6 trials", "partial\n"]


def test_what_is_exported_is_imported_again(tmp_path, call):
    write_run(tmp_path, make_exchange(), make_exchange(trial=1, body=b"two"))
    out = tmp_path / "out"
    code, text = call("export", "20260301", "-o", str(out))
    assert (code, text) == (0, f"{out / 'greet.yaml'}  2 interactions\n")
    words = ["--suite", "again", "--target", "openai:other", str(out / "greet.yaml")]
    code, text = call("import", *words)
    assert code == 0
    assert text.splitlines()[0] == "greet  2 interactions"
    (run,) = json.loads(call("ls", "--suite", "again", "--json")[1])
    assert (run["target"], run["label"]) == ("openai:other", "imported from vcrpy")


@pytest.mark.parametrize(
    ("size_bytes", "told"),
    [(0, "0 B"), (999, "999 B"), (12_345, "12.3 kB"), (4_000_000, "4.0 MB"), (7e9, "7.0 GB")],
)
def test_sizes_are_told_as_people_read_them(size_bytes, told):
    from contractcheck.cli.runs_options import told_size

    assert told_size(size_bytes) == told
