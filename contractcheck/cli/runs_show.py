"""``contractcheck runs show``: a run counted by case, or one of its exchanges in full."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import root_option, workspace
from contractcheck.cli.runs_options import told_count, told_size
from contractcheck.errors import ContentCodingError, UsageError
from contractcheck.model.exchange import IMPORTED
from contractcheck.model.json_text import canonical_json
from contractcheck.report.safe_text import one_line
from contractcheck.report.safe_text import show as show_safely

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contractcheck.model.completion import Completion
    from contractcheck.model.exchange import Exchange, Headers
    from contractcheck.model.run import Run, RunHeader
    from contractcheck.model.target import Target
    from contractcheck.workflows.runs_show import CaseCounts


@click.command("show")
@click.argument("run")
@click.option("--case", metavar="ID", help="One line for each exchange of this case.")
@click.option("--trial", type=click.IntRange(0), metavar="N", help="Its exchanges in full.")
@click.option("--attempt", type=click.IntRange(0), metavar="N", help="Only this attempt of it.")
@click.option("--raw", is_flag=True, help="Write the exact bytes of one response body, no more.")
@click.option("--to-terminal", is_flag=True, help="With --raw: even onto a terminal.")
@root_option
def show(  # noqa: PLR0917 - click passes options by name
    run: str,
    case: str | None,
    trial: int | None,
    attempt: int | None,
    raw: bool,  # noqa: FBT001 - click passes options by name
    to_terminal: bool,  # noqa: FBT001 - click passes options by name
    root: Path,
) -> None:
    """Show RUN (id, beginning of one, or folder): header, counts per case, single exchanges.

    What a provider sent is shown so that it can be read and cannot act on the terminal.
    """
    from contractcheck.cassettes import is_being_recorded
    from contractcheck.workflows.runs_show import count_cases, load_run, raw_body

    folder = workspace(root).runs.find(run)
    loaded = load_run(folder, case=case, trial=trial, attempt=attempt)
    if raw:
        if sys.stdout.isatty() and not to_terminal:
            raise UsageError("a body may hold what acts on a terminal: redirect it to a file")
        sys.stdout.buffer.write(raw_body(loaded))
        return
    if trial is not None:
        target = loaded.header.target
        lines = [line for exchange in loaded.exchanges for line in _whole(exchange, target)]
    elif case is not None:
        lines = [one_line(_told(exchange)) for exchange in loaded.exchanges]
    else:
        lines = [
            *_header(loaded, is_live=is_being_recorded(folder)),
            *(_counts(one) for one in count_cases(loaded)),
        ]
    for line in lines:
        click.echo(line)


def _header(run: Run, *, is_live: bool) -> Iterator[str]:
    header = run.header
    status = "being recorded" if is_live else header.status
    state = f"sealed, root {run.root}" if run.root else "open"
    vantage = ", ".join(f"{key} {value}" for key, value in header.vantage.items() if value)
    rows = {
        "run": header.id,
        "suite": f"{header.suite} {header.suite_version} ({header.suite_fingerprint[:12]})",
        "target": _target(header),
        "night": header.night or "-",
        "label": header.label or "-",
        "started": header.started_at,
        "ended": header.ended_at or "-",
        "status": f"{status}, {state}",
        "vantage": vantage or "-",
    }
    yield from (one_line(f"{name:<8} {value}") for name, value in rows.items())


def _target(header: RunHeader) -> str:
    where = f" at {header.target.base_url}" if header.target.base_url else ""
    return f"{header.target.id}{where}"


def _counts(counts: CaseCounts) -> str:
    statuses = " ".join(f"{code or 'none'}x{n}" for code, n in sorted(counts.statuses.items()))
    endings = " ".join(f"{ending}x{n}" for ending, n in sorted(counts.endings.items()))
    time = "no times" if counts.median_s is None else f"median {counts.median_s:.3f} s"
    columns = (
        counts.case,
        f"{counts.trials}/{counts.planned} trials",
        told_count(counts.attempts, "attempt"),
        f"status {statuses or '-'}",
        f"ended {endings or '-'}",
        time,
        told_size(counts.size_bytes),
    )
    return one_line("  ".join(columns))


def _told(exchange: Exchange) -> str:
    """One exchange on one line."""
    response = exchange.response
    status = f"{response.status} {response.reason}".strip() if response else "no response"
    chunks = told_count(len(response.chunk_bytes), "chunk") if response else "no body"
    size = f"{told_size(len(response.body))} in {chunks}" if response else chunks
    sent = f"{exchange.request.method} {exchange.request.url}"
    error = f" {exchange.error}" if exchange.error else ""
    note = f"  ({exchange.note})" if exchange.note else ""
    return (
        f"trial {exchange.trial} attempt {exchange.attempt}  {sent}  {status}  "
        f"{exchange.ended}{error}  {_times(exchange)}  {size}{note}"
    )


def _times(exchange: Exchange) -> str:
    if exchange.via == IMPORTED:
        return "no times"
    head = "-" if exchange.headers_us is None else f"{exchange.headers_us / 1e6:.3f} s"
    late = max(exchange.lag_us, exchange.held_us)
    lateness = f", late {late / 1e6:.3f} s" if late else ""
    waited = f"waited {exchange.waited_us / 1e6:.3f} s, "
    return f"{waited}headers {head}, end {exchange.end_us / 1e6:.3f} s{lateness}"


def _whole(exchange: Exchange, target: Target) -> Iterator[str]:
    """One exchange with headers and bodies, and what the provider's dialect reads in them."""
    from contractcheck.workflows.runs_answer import assemble_answer, binary_events

    yield one_line(f"── {_told(exchange)}")
    yield one_line(f"at {exchange.started_at} via {exchange.via or 'unknown'}")
    yield one_line(f"request {exchange.request.digest}")
    yield from _message(exchange.request.headers, exchange.request.body)
    response = exchange.response
    if response is not None:
        yield one_line(f"{response.http_version} {response.status} {response.reason}")
        yield from _message(response.headers, response.body)
        if events := binary_events(response):
            yield "its events:"
            yield from (one_line(f"  | {event}") for event in events)
            yield ""
    answer = assemble_answer(exchange, target)
    if answer is not None:
        yield from _answer(answer)


def _answer(answer: Completion) -> Iterator[str]:
    from contractcheck.workflows.runs_answer import readable_arguments

    counts = (("in", answer.input_tokens), ("out", answer.output_tokens))
    tokens = [f"{count} tokens {way}" for way, count in counts if count is not None]
    wrong = [answer.detail] if answer.detail else []
    words = (answer.outcome.value, *wrong, f"finished by {answer.finish_reason}", *tokens)
    yield one_line(f"answer: {', '.join(words)}")
    if answer.text:
        yield _with_margin(answer.text)
    for call in answer.tool_calls:
        yield one_line(f"  calls {call.name}")
        yield _with_margin(canonical_json(readable_arguments(call)))
    yield ""


def _message(headers: Headers, body: bytes) -> Iterator[str]:
    yield from (one_line(f"  {name}: {value}") for name, value in headers)
    yield ""
    coding = next((v for name, v in headers if name.lower() == "content-encoding"), "")
    yield _body_text(body, coding)
    yield ""


def _body_text(body: bytes, coding: str) -> str:
    from contractcheck.content_coding import decode_body

    try:
        return _with_margin(decode_body(body, coding).decode())
    except (ContentCodingError, UnicodeDecodeError):
        kind = one_line(coding) or "not UTF-8"
        return f"  <{len(body)} bytes, {kind}; --raw writes them>"


def _with_margin(text: str) -> str:
    """Text of others, kept from looking like lines of ours."""
    return "\n".join(f"  | {line}" for line in show_safely(text).split("\n"))
