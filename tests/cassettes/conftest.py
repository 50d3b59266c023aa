import pytest

from contractcheck.cassettes import create_run, seal_run
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber


@pytest.fixture
def make_header():
    def make(cases=("a", "b"), samples=3, **changes):
        fields = {
            "id": "20260101t000000z-test",
            "suite": "demo",
            "suite_version": "1.0.0",
            "suite_fingerprint": "f",
            "target": Target(provider="openai", model="m", base_url="http://127.0.0.1:1"),
            "night": "2026-01-01",
            "started_at": "2026-01-01T00:00:00+00:00",
            "ended_at": None,
            "status": "interrupted",
            "cases": {
                case: CasePlan(samples=samples, request_fingerprint="r", parts={"messages": "m"})
                for case in cases
            },
            "vantage": {"python": "3.11"},
            "label": "simulated",
        }
        return RunHeader(**{**fields, **changes})

    return make


@pytest.fixture
def make_exchange():
    def make(case="a", trial=0, body=b'{"ok": true}', **changes):
        request = Request(
            method="POST",
            url="http://127.0.0.1:1/v1",
            headers=(("content-type", "application/json"),),
            body=b'{"question": "%d"}' % len(case),
            digest=f"digest-{case}",
        )
        fields = {
            "case": case,
            "trial": trial,
            "attempt": 0,
            "request": request,
            "response": Response(
                status=200,
                reason="OK",
                http_version="HTTP/1.1",
                headers=(("Content-Type", "application/json"),),
                body=body,
                chunk_bytes=(len(body),),
                chunk_times_us=(900,),
            ),
            "started_at": "2026-01-01T00:00:01+00:00",
            "waited_us": 10,
            "headers_us": 500,
            "end_us": 1000,
            "ended": "eof",
            "error": None,
        }
        return Exchange(**{**fields, **changes})

    return make


@pytest.fixture
def open_run(tmp_path, make_header, make_exchange):
    folder = tmp_path / "run"
    run = create_run(folder, make_header(), Scrubber.for_secrets([]))
    for case in "ab":
        for trial in range(3):
            run.append(make_exchange(case, trial, b'{"answer": "%s%d"}' % (case.encode(), trial)))
    run.close()
    return folder


@pytest.fixture
def sealed_run(open_run):
    seal_run(open_run, status="complete", ended_at="2026-01-01T00:01:00+00:00")
    return open_run
