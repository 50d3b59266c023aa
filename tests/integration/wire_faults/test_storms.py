"""Many processes and one provider that can only take so much: real workers, real refusals."""

import json
import os
import re
import subprocess
import sys
import time

import pytest

pytest.importorskip("xdist")

SUITE = """\
suite: storm-{name}
version: 1.0.0
targets: [openai:gpt-sim-mini-2026-03-01]
defaults: {{samples: {samples}}}
cases:
  - id: one
    messages: [{{role: user, content: "Say hello, {name}."}}]
    metrics: [text]
"""
WHOLE = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-sim-mini-2026-03-01",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
REFUSED = {"error": {"message": "slow down", "type": "rate_limit_error", "code": None}}


def http(status, document, *headers):
    body = json.dumps(document).encode()
    head = [f"HTTP/1.1 {status} X", "content-type: application/json", *headers]
    return "\r\n".join([*head, f"content-length: {len(body)}", "", ""]).encode() + body


class Bucket:
    """A provider that takes so many requests a second, and says so as OpenAI does."""

    def __init__(self, per_s, burst):
        self.per_s, self.burst, self.level = per_s, burst, float(burst)
        self.at_s, self.refused = time.monotonic(), 0

    def answer(self):
        now_s = time.monotonic()
        self.level = min(self.burst, self.level + (now_s - self.at_s) * self.per_s)
        self.at_s = now_s
        if self.level < 1.0:
            self.refused += 1
            wait_ms = 1000.0 * (1.0 - self.level) / self.per_s
            return http(429, REFUSED, f"retry-after-ms: {wait_ms:.0f}", *self.told())
        self.level -= 1.0
        return http(200, WHOLE, *self.told())

    def told(self):
        return (
            f"x-ratelimit-limit-requests: {60 * self.per_s}",
            f"x-ratelimit-remaining-requests: {int(self.level)}",
        )


@pytest.fixture
def storm(tmp_path):
    """Run pytest with one worker for each of so many suites, all asking the same target."""

    def run(url, suites, samples):
        for number in range(suites):
            folder = tmp_path / "suites" / f"s{number}"
            folder.mkdir(parents=True)
            text = SUITE.format(name=f"n{number}", samples=samples)
            (folder / "suite.contract.yaml").write_text(text)
        words = f"-n {suites} --dist loadfile --contract --contract-mode=live".split()
        alone = ["-p", "no:hypothesispytest", "-p", "no:anyio"]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *alone, *words, f"--contract-base-url={url}"],
            cwd=tmp_path,
            env=os.environ | {"OPENAI_API_KEY": "sk-live-Zq81nVtR5mPx0aLw"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


def test_four_workers_stay_below_what_a_provider_advertises(storm, proxy, faults):
    bucket = Bucket(per_s=40, burst=40)
    proxy.begin(0, lambda *_: faults["Instead"](lambda _: bucket.answer()))
    done = storm(proxy.url, 4, 50)
    assert done.returncode == 0, done.stdout
    assert re.search("4 passed, 4 skipped", done.stdout), done.stdout
    # What was under way together before anybody knew the limit may be too much.
    assert bucket.refused <= 4 * 8
    assert len(proxy.heads) == 200 + bucket.refused


def test_refusals_without_end_end_within_the_deadline(tmp_path, proxy, faults):
    (tmp_path / "suites").mkdir()
    path = tmp_path / "suites" / "suite.contract.yaml"
    path.write_text(SUITE.format(name="endless", samples=30))
    proxy.begin(0, lambda *_: faults["Instead"](lambda _: http(429, REFUSED)))
    command = [sys.executable, "-m", "contractcheck.cli", "run", "--base-url", proxy.url]
    done = subprocess.run(
        [*command, "--deadline", "3", "--format", "json"],
        cwd=tmp_path,
        env=os.environ | {"OPENAI_API_KEY": "sk-live-Zq81nVtR5mPx0aLw"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    report = json.loads(done.stdout)
    assert report["verdict"] in {"ERROR", "INCONCLUSIVE"}
    assert not [f for f in report["findings"] if f["kind"] in {"drift", "suspect", "breach"}]
    assert report["counts"]["answered"] == 0
    # Halved with each refusal and paused: nobody hammers a provider that says no.
    assert 1 <= len(proxy.heads) < 60
    assert "Traceback" not in done.stderr
