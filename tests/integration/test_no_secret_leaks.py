"""Thirty-five kinds of key, everywhere a server can put them: none reaches a disk or a screen."""

import base64
import json
import random
import re
import socketserver
import string
import subprocess
import sys
import threading
from itertools import pairwise
from urllib.parse import quote

import httpx2
import pytest

from contractcheck.cassettes import (
    MemoryTape,
    create_run,
    in_trial,
    read_run,
    recording,
    replaying,
    seal_run,
)
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.target import Target
from contractcheck.redaction import Scrubber

ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"
BASE64 = ALNUM + "+/"
HEX = string.digits + "abcdef"
UPPER = string.ascii_uppercase + string.digits

KINDS = {
    "openai": ("sk-", ALNUM, 48),
    "openai project": ("sk-proj-", URLSAFE, 124),
    "openai service account": ("sk-svcacct-", URLSAFE, 120),
    "openai admin": ("sk-admin-", URLSAFE, 120),
    "anthropic": ("sk-ant-api03-", URLSAFE, 95),
    "openrouter": ("sk-or-v1-", HEX, 64),
    "deepseek": ("sk-", HEX, 32),
    "google": ("AIza", URLSAFE, 35),
    "google new": ("AQ.", URLSAFE, 50),
    "google access": ("ya29.", URLSAFE, 120),
    "google client secret": ("GOCSPX-", URLSAFE, 28),
    "aws id": ("AKIA", UPPER, 16),
    "aws temporary id": ("ASIA", UPPER, 16),
    "groq": ("gsk_", ALNUM, 52),
    "hugging face": ("hf_", ALNUM, 34),
    "xai": ("xai-", ALNUM, 80),
    "fireworks": ("fw_", ALNUM, 24),
    "replicate": ("r8_", ALNUM, 37),
    "perplexity": ("pplx-", ALNUM, 48),
    "nvidia": ("nvapi-", URLSAFE, 64),
    "databricks": ("dapi", HEX, 32),
    "cerebras": ("csk-", ALNUM, 48),
    "anyscale": ("esecret_", ALNUM, 26),
    "github": ("ghp_", ALNUM, 36),
    "gitlab": ("glpat-", URLSAFE, 20),
    "slack": ("xoxb-", string.digits + "-" + ALNUM, 50),
    "stripe": ("sk_live_", ALNUM, 24),
    "langsmith": ("lsv2_pt_", HEX + "_", 43),
    "pinecone": ("pcsk_", ALNUM + "_", 70),
    "json web token": ("eyJhbGciOiJIUzI1NiJ9.eyJ", URLSAFE, 120),
    # No prefix: only known by value, or by the name of the field.
    "azure": ("", HEX, 32),
    "aws secret": ("", BASE64, 40),
    "mistral": ("", ALNUM, 32),
    "cohere": ("", ALNUM, 40),
    "together": ("", HEX, 64),
}
WITHOUT_A_SHAPE = {"azure", "aws secret", "mistral", "cohere", "together"}


def make_key(kind):
    """The same key for the same kind, and no key-like text in this file."""
    prefix, alphabet, length = KINDS[kind]
    randomly = random.Random(kind)  # noqa: S311 - made up, not secret
    key = prefix + "".join(randomly.choice(alphabet) for _ in range(length))
    return key + ".c2lnbmF0dXJl" if kind == "json web token" else key


def every_character_escaped(text):
    return "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in text)


ENCODINGS = {
    "plain": str,
    "base64": lambda key: base64.b64encode(b"user:" + key.encode()).decode(),
    "url": lambda key: "".join(c if c.isalnum() else f"%{ord(c):02x}" for c in key),
    "json": every_character_escaped,
}


def needles(key):
    """Every sixteen characters of the key, in every spelling."""
    raw = key.encode()
    spelled = {
        raw,
        quote(key, safe="").encode(),
        json.dumps(key)[1:-1].encode(),
        raw.hex().encode(),
    }
    spelled |= {encode(key).encode() for encode in ENCODINGS.values()}
    for shift in range(3):
        core = base64.b64encode(b"\0" * shift + raw)[
            (shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6
        ]
        spelled |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return {text[at : at + 16] for text in spelled for at in range(max(1, len(text) - 15))}


class EchoServer(socketserver.ThreadingTCPServer):
    """Answers every connection with what ``answer`` says, in pieces."""

    allow_reuse_address = True
    daemon_threads = True
    answer: tuple[bytes, ...] = ()
    heard = b""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = self.rfile.readline()
                if not line:
                    return
                head += line
            length = re.search(rb"(?i)content-length: (\d+)", head)
            self.server.heard = head + (self.rfile.read(int(length[1])) if length else b"")
            for piece in self.server.answer:
                self.wfile.write(piece)
                self.wfile.flush()


@pytest.fixture(scope="module")
def server():
    with EchoServer(("127.0.0.1", 0), EchoServer.Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def url_of(server, rest=""):
    return f"http://127.0.0.1:{server.server_address[1]}/v1/{rest}"


def answer_of(body, headers=b"", *, kind=b"application/json", randomly=None):
    """A chunked response, cut at random places."""
    cuts = [0, len(body)]
    if randomly is not None and len(body) > 2:
        cuts = sorted({0, len(body), *(randomly.randrange(len(body)) for _ in range(8))})
    head = b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\n" + headers
    pieces = [head + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"]
    for start, end in pairwise(cuts):
        pieces.append(b"%x\r\n%s\r\n" % (end - start, body[start:end]))
    return [*pieces, b"0\r\n\r\n"]


def send_everywhere(server, client, key, encoding, randomly):
    """One exchange per place; yields the place and what the client got."""
    said = ENCODINGS[encoding](key)
    wire = said.encode()
    harmless = answer_of(b'{"ok": true}')

    def ask(answer, rest="", **request):
        server.answer = answer
        return client.post(url_of(server, rest), **request).content

    headers = {"authorization": f"Bearer {said}", "X-Api-Key": said, "accept": f"x/{said}"}
    yield "request header", ask(harmless, headers=headers, content=b"{}")
    yield "query", ask(harmless, f"?Key={said}&x={said}", content=b"{}")
    inner = json.dumps(f'{{"deep": "{said}"}}').encode()
    yield "request body", ask(harmless, content=b'{"user": "%s", "in": %s}' % (wire, inner))
    body = b'{"error": "you sent %s, truly"}' % wire
    yield "response body", ask(answer_of(body, randomly=randomly), content=b"1")
    echoed = b"x-request-id: %s\r\nSet-Cookie: s=%s; path=/\r\n" % (wire, wire)
    yield "response header", ask(answer_of(b"{}", echoed), content=b"2")
    events = b'data: {"choices":[{"delta":{"content":"%s"}}]}\n\ndata: [DONE]\n\n' % wire
    stream = answer_of(events, kind=b"text/event-stream", randomly=randomly)
    yield "path and stream", ask(stream, f"{quote(said)}/models", content=b"3")


def make_header(case="a"):
    return RunHeader(
        id="20260101t000000z-test",
        suite="demo",
        suite_version="1.0.0",
        suite_fingerprint="f",
        target=Target(provider="openai", model="m", base_url="http://127.0.0.1:1"),
        night=None,
        started_at="2026-01-01T00:00:00+00:00",
        ended_at=None,
        status="interrupted",
        cases={case: CasePlan(samples=24, request_fingerprint="r", parts={})},
        vantage={},
        label="",
    )


def bytes_below(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return {path.name: path.read_bytes() for path in files}


@pytest.mark.parametrize("kind", KINDS)
def test_no_key_reaches_the_disk(tmp_path, server, kind):
    key = make_key(kind)
    scrubber = Scrubber.for_secrets([key])
    randomly = random.Random(kind)  # noqa: S311 - where chunks are cut
    run = create_run(tmp_path / "run", make_header(), scrubber)
    told = 0
    with recording(run, scrubber), httpx2.Client(trust_env=False) as client:
        for number, encoding in enumerate(ENCODINGS):
            with in_trial("a", number):
                for place, content in send_everywhere(server, client, key, encoding, randomly):
                    if place in ("response body", "path and stream"):
                        told += ENCODINGS[encoding](key).encode() in content
    assert told == 2 * len(ENCODINGS), "the client itself gets the true bytes"
    run.close()
    wanted = needles(key)
    open_files = bytes_below(tmp_path)
    seal_run(run.folder, status="complete", ended_at="2026-01-01T00:01:00+00:00")
    for files in (open_files, bytes_below(tmp_path)):
        for name, data in files.items():
            assert [needle for needle in wanted if needle in data] == [], name
    assert len(read_run(run.folder).exchanges) == 6 * len(ENCODINGS)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - WITHOUT_A_SHAPE))
def test_a_key_that_the_process_does_not_know_is_known_by_its_shape(server, kind):
    key = make_key(kind)
    randomly = random.Random(kind)  # noqa: S311 - where chunks are cut
    kept = []
    with (
        recording(kept, Scrubber.for_secrets([])),
        httpx2.Client(trust_env=False) as client,
        in_trial("a", 0),
    ):
        places = [place for place, _ in send_everywhere(server, client, key, "plain", randomly)]
    assert len(kept) == len(places) == 6
    leaking = [place for place, one in zip(places, kept, strict=True) if key in repr(one)]
    assert leaking == []


@pytest.mark.parametrize("kind", sorted(WITHOUT_A_SHAPE))
def test_a_key_without_a_shape_is_known_by_its_field(server, kind):
    key = make_key(kind)
    fields = json.dumps({"X-Api-Key": key, "list": [{"clientSecret": [key]}]})
    server.answer = answer_of(json.dumps({"echo": fields, "api-key": key}).encode())
    kept = []
    with (
        recording(kept, Scrubber.for_secrets([])),
        httpx2.Client(trust_env=False) as client,
        in_trial("a", 0),
    ):
        form = {"client_secret": key, "scope": "all"}
        client.post(url_of(server, "?" + "API_KEY=" + quote(key)), data=form)
        client.post(url_of(server), json={"outer": {"password": key}})
    assert key.encode() in server.heard
    assert [one for one in kept if key in repr(one) or quote(key) in repr(one)] == []


TOKENS = {"refresh_token": "long-lived-refresh-token-1", "client_secret": "s3cret+of/client=="}


def exchange_tokens(client, server, tokens):
    """What OAuth libraries do: a token for a token, then a call with the new one."""
    granted = client.post(url_of(server, "token"), data={"grant_type": "refresh_token", **tokens})
    token = granted.json()["access_token"]
    answer = client.post(
        url_of(server, "chat"), headers={"authorization": f"Bearer {token}"}, json={"q": 1}
    )
    return token, answer.json()


def test_a_live_client_gets_the_true_token_and_a_replay_matches_with_another(tmp_path, server):
    granted = "opaque-access-token-of-tonight"
    server.answer = answer_of(b'{"access_token": "%s", "q": 2}' % granted.encode())
    scrubber = Scrubber.for_secrets(TOKENS.values())
    run = create_run(tmp_path / "run", make_header(), scrubber)
    with (
        recording(run, scrubber),
        httpx2.Client(trust_env=False) as client,
        in_trial("a", 0),
    ):
        token, live = exchange_tokens(client, server, TOKENS)
    run.close()
    assert token == granted
    assert b"Bearer " + granted.encode() in server.heard
    seal_run(run.folder, status="complete", ended_at="2026-01-01T00:01:00+00:00")
    for secret in (granted, *TOKENS.values()):
        found = [n for n, data in bytes_below(tmp_path).items() if needles(secret) & windows(data)]
        assert found == []

    others = {"refresh_token": "another", "client_secret": "a-much-longer-one-of-another-person"}
    today = Scrubber.for_secrets(others.values())
    tape = MemoryTape.of(read_run(run.folder).exchanges)
    with (
        replaying(tape, today),
        httpx2.Client(trust_env=False) as client,
        in_trial("a", 0),
    ):
        starred, again = exchange_tokens(client, server, others)
    assert starred == "*" * len(granted)
    assert again == live | {"access_token": starred}


def windows(data):
    return {data[at : at + 16] for at in range(len(data) - 15)}


LEAKING_TEST = """
import logging

import httpx2
import pytest

from contractcheck.cassettes import in_trial, recording
from contractcheck.errors import RecordingError
from contractcheck.redaction import Scrubber


class Full:
    def append(self, exchange):
        raise RecordingError("no room")


def client_with_key():
    from pathlib import Path

    key = Path("key.txt").read_text()
    client = httpx2.Client(trust_env=False, headers={"authorization": f"Bearer {key}"})
    return client, Scrubber.for_secrets([key])


def test_that_fails_inside_a_recorded_call():
    logging.getLogger().setLevel(logging.DEBUG)
    client, scrubber = client_with_key()
    with client, recording(Full(), scrubber), in_trial("a", 0):
        client.post("http://127.0.0.1:PORT/v1/chat", json={"q": 1})


def test_that_fails_while_it_resolves_an_endpoint():
    from pathlib import Path

    from contractcheck.model.target import Target
    from contractcheck.workflows.endpoint import resolve_endpoint

    target = Target(provider="openai", model="m", base_url="http://127.0.0.1:PORT")
    endpoint = resolve_endpoint(
        target, base_url=None, environment={"OPENAI_API_KEY": Path("key.txt").read_text()}
    )
    raise RuntimeError("below")
"""


@pytest.mark.parametrize("kind", ["openai project", "azure"])
def test_no_key_is_in_a_traceback_or_a_debug_log(tmp_path, server, kind):
    key = make_key(kind)
    wire = key.encode()
    echoed = b"x-request-id: %s\r\nSet-Cookie: s=%s; path=/\r\n" % (wire, wire)
    server.answer = answer_of(b'{"ok": true}', echoed)
    (tmp_path / "key.txt").write_text(key)
    port = str(server.server_address[1])
    (tmp_path / "test_leaking.py").write_text(LEAKING_TEST.replace("PORT", port))
    options = ["-l", "--tb=long", "-vv", "-rA", "--log-level=DEBUG", "-p", "no:cacheprovider"]
    shown = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=tmp_path, capture_output=True, check=False
    )
    output = shown.stdout + shown.stderr
    assert b"2 failed" in output
    assert b"no room" in output
    assert b"httpcore2" in output, "the client's debug log is shown"
    assert b"below" in output
    assert key.encode() in server.heard
    assert [needle for needle in needles(key) if needle in output] == []
