"""Outages, hangs and refusals for load, as a run meets them: never news of the model."""

from dataclasses import replace
from email.utils import formatdate

import pytest

from contractcheck.auth import KeyAuthorizer
from contractcheck.cassettes import create_run, read_header, read_run
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.redaction import Scrubber
from contractcheck.sampling import (
    Bounds,
    RetryPolicy,
    SamplingOptions,
    SilentProgress,
    sample,
)

ONCE = Bounds(retry=RetryPolicy(attempts=1))
QUICK = RetryPolicy(base_s=0.01, longest_s=0.05)
PATIENT = Bounds(retry=QUICK, patience_s=30.0)
LOUD = {FindingKind.BREACH, FindingKind.DRIFT, FindingKind.SUSPECT, FindingKind.IDENTITY}


def loud(report):
    """Findings that say that something changed; how fast loopback is, is no concern here."""
    return [f for f in report.findings if f.kind in LOUD and f.plane != "latency"]


def refusal(*more, status=b"429 Too Many Requests"):
    body = b'{"error": {"message": "slow down", "type": "rate_limit_error", "code": null}}'
    lines = [b"HTTP/1.1 " + status, b"content-type: application/json"]
    lines += [b"content-length: %d" % len(body), *more]
    return b"\r\n".join([*lines, b"", body])


@pytest.mark.parametrize(
    ("error_rate", "verdicts"),
    [
        (1.0, {Verdict.ERROR}),
        (0.35, {Verdict.ERROR}),
        (0.05, {Verdict.QUIET, Verdict.INCONCLUSIVE}),
    ],
)
def test_an_outage_is_never_drift(watched, error_rate, verdicts):
    """Two nights in a row, since one alone is never drift."""
    watched.record(6, error_rate=error_rate)
    folder = watched.record(7, error_rate=error_rate)
    report = watched.judge(folder)
    lost = sum(c.outcome is Outcome.INFRA for c in watched.completions(folder))
    assert abs(lost - 50 * error_rate) < 8
    assert report.counts.infra == lost
    assert report.verdict in verdicts, report.headline
    assert loud(report) == []


def test_retries_bridge_an_outage_and_hide_none_of_it(watched):
    folder = watched.record(6, error_rate=0.3, bounds=PATIENT)
    report = watched.judge(folder)
    failed = [x for x in read_run(folder).exchanges if x.response.status != 200]
    assert len(failed) > 10
    assert report.counts.retries == len(read_run(folder).exchanges) - 50
    assert report.counts.answered >= 45
    assert any("request" in note and "repeated" in note for note in report.notes), report.notes
    assert report.verdict in {Verdict.QUIET, Verdict.INCONCLUSIVE}, report.headline
    assert loud(report) == []


def test_what_passes_when_asked_again_is_answered_and_told(watched, faults):
    refused = faults["Instead"](lambda _: refusal(status=b"503 Service Unavailable"))
    whole = faults["Fault"]()
    folder = watched.record(
        6, fault=lambda n, _: refused if n % 3 == 1 else whole, bounds=PATIENT, concurrency=1
    )
    exchanges = read_run(folder).exchanges
    assert {x.response.status for x in exchanges} == {200, 503}
    # Every attempt is an exchange of its own, with its own times.
    last = {}
    for exchange in sorted(exchanges, key=lambda x: x.attempt):
        before = last.get((exchange.case, exchange.trial))
        assert (before is None) == (exchange.attempt == 0)
        assert before is None or before.response.status == 503
        assert 0 < exchange.headers_us <= exchange.end_us
        last[exchange.case, exchange.trial] = exchange
    assert {x.response.status for x in last.values()} == {200}
    report = watched.judge(folder)
    assert report.counts.answered == 50
    assert (
        report.counts.retries
        == len(exchanges) - 50
        == sum(x.response.status == 503 for x in exchanges)
    )
    assert loud(report) == []


WAITS = {
    "seconds": b"retry-after: 0.05",
    "milliseconds": b"retry-after-ms: 50",
    "nothing": b"retry-after: 0",
    "below nothing": b"retry-after: -5",
    "endless": b"retry-after: inf",
    "no number": b"retry-after: nan",
    "words": b"retry-after: soon",
    "empty": b"retry-after:",
    "long past": b"retry-after: Wed, 21 Oct 2015 07:28:00 GMT",
    "in a wrong form": b"retry-after: 2026-03-06 12:00",
    "by its own wrong clock": b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\nretry-after: Thu, 01 Jan 1970 00:00:00 GMT",
    "a moment": b"retry-after: " + formatdate(usegmt=True).encode(),
    "with bytes that are no text": b"retry-after: \xff\xfe",
    "twice": b"retry-after: 0\r\nretry-after: 9999",
    "limits that make no sense": b"x-ratelimit-limit-requests: -1\r\nx-ratelimit-remaining-requests: 0",
}


@pytest.mark.parametrize("name", WAITS)
def test_no_wait_that_a_provider_names_breaks_a_run(name, make_project, faults):
    project = make_project(samples=2)
    refused, whole = faults["Instead"](lambda _: refusal(WAITS[name])), faults["Fault"]()
    folder = project.record(1, fault=lambda n, _: whole if n else refused, bounds=PATIENT)
    completions = project.completions(folder)
    assert [c.outcome for c in completions].count(Outcome.ANSWERED) == 4
    assert [c.outcome for c in completions].count(Outcome.INFRA) == 1


def test_a_provider_that_refuses_all_is_not_asked_for_ever(make_project, faults, proxy):
    project = make_project(samples=30)
    refused = faults["Instead"](lambda _: refusal())
    folder = project.record(1, fault=lambda *_: refused, bounds=replace(PATIENT, patience_s=1.0))
    header = read_header(folder)
    assert header.status == "interrupted"
    assert "times in a row" in header.stopped
    assert len(proxy.heads) < 60
    report = project.judge(folder)
    assert report.verdict in {Verdict.ERROR, Verdict.INCONCLUSIVE}
    assert loud(report) == []


@pytest.mark.parametrize("wait", [b"retry-after: 1000000000", b"retry-after-ms: 86400000"])
def test_a_wait_beyond_all_patience_ends_the_run_at_once(wait, make_project, faults, proxy):
    project = make_project()
    folder = project.record(
        1, fault=lambda *_: faults["Instead"](lambda _: refusal(wait)), bounds=PATIENT
    )
    assert len(proxy.heads) <= 8  # those that were under way together
    header = read_header(folder)
    assert header.status == "interrupted"
    assert "the next request would have to wait 600 s" in header.stopped
    assert project.judge(folder).verdict in {Verdict.ERROR, Verdict.INCONCLUSIVE}
    resumed = project.resume(folder, 1, bounds=PATIENT)
    assert read_header(resumed).status == "complete"
    assert project.judge(resumed).counts.answered == 8


HANGS = {
    "before the head": lambda _answer: 0,
    "within the head": lambda answer: answer.find(b"\r\n\r\n"),
    "behind the head": lambda answer: answer.find(b"\r\n\r\n") + 4,
    "before the first word": lambda answer: answer.find(b"data:") + 30,
    "between words": lambda answer: len(answer) * 2 // 3,
}


@pytest.mark.parametrize("place", HANGS)
def test_an_answer_that_hangs_is_given_up(place, make_project, faults):
    project = make_project(samples=1)
    bounds = replace(ONCE, first_token_timeout_s=0.5, request_timeout_s=1.0)
    folder = project.record(1, fault=lambda *_: faults["Stalled"](HANGS[place]), bounds=bounds)
    exchanges = sorted(read_run(folder).exchanges, key=lambda x: x.case)
    assert {x.error for x in exchanges} <= {"FirstTokenTimeout", "RequestTimeout"}
    outcomes = [c.outcome for c in project.completions(folder)]
    begun = [x.response is not None for x in exchanges]
    assert outcomes == [Outcome.TRUNCATED if b else Outcome.INFRA for b in begun]
    assert not any(begun) or place not in {"before the head", "within the head"}
    report = project.judge(folder)
    assert report.verdict is Verdict.ERROR
    assert loud(report) == []


def test_silence_between_words_is_bounded_by_itself(make_project, faults, proxy, tmp_path):
    """However long an answer may take as a whole."""
    project = make_project(samples=1)
    plain = read_run(project.record(1))
    run = create_run(tmp_path / "run", plain.header, Scrubber.for_secrets(["k"]))
    options = SamplingOptions(
        base_url=proxy.url,
        authorizer=KeyAuthorizer(key="k"),
        bounds=replace(ONCE, idle_timeout_s=0.5, request_timeout_s=600.0),
    )
    stalled = faults["Stalled"](HANGS["between words"])
    with project.providing(1, lambda *_: stalled):
        tally = sample(run, project.suite.cases, options, SilentProgress())
    assert tally.errors == 2
    assert {x.error for x in read_run(run.folder).exchanges} == {"ReadTimeout"}
