"""What a request is may be worked out ahead: nobody is answered otherwise for it."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import MemoryTape, in_trial, open_tape
from contractcheck.cassettes.canonical import (
    Canonicalisation,
    canonical_request,
    digest_material,
    headers_of,
)
from contractcheck.cassettes.expected import _MOST, _MOST_CASE_BYTES, Expected
from contractcheck.cassettes.lines import request_digest
from contractcheck.cassettes.player import Player
from contractcheck.cassettes.session import Outgoing
from contractcheck.errors import ContractcheckError
from contractcheck.model.exchange import Exchange, Request
from contractcheck.redaction import Scrubber

FORMATS = Path(__file__).parent / "formats"
SECRET = "hush-0123456789abcdefghij"  # noqa: S105 - made up
KEY = "sk-proj-" + "a1B2" * 8
RULE = Canonicalisation(fields=("$.id",), query=("at",))
NOBODYS = Scrubber.for_secrets(())


class Unexpecting:
    """The same recording, of which nobody may expect anything."""

    def __init__(self, tape):
        self.cases = tape.cases
        self.find, self.requests, self.keys = tape.find, tape.requests, tape.keys

    def expected(self, _case):
        return ()


URLS = (
    "https://api.example.com/v1/chat",
    "https://api.example.com/v1/chat?b=1&a=2&at=3",
    "https://api.example.com/v1/chat?a=2&b=1&at=4",
    f"https://api.example.com/v1/chat?key={SECRET}",
    "https://api.example.com/v1/chat?key=" + "*" * len(SECRET),
    "http://127.0.0.1:81/v1",
    "http://localhost:82/v1",
    "http://[broken/v1",
)
FIELDS = ("method", "url", "headers", "body")
TEXTS = (
    *('{"q": 1, "id": 2}', '{"id":3,"q":1}', '{"q": 1.0}', '{"q": "é"}', '{"q": "\\u00e9"}'),
    *('{"q": 1, "q": 2}', '{"q": 2}', '{"q": "\\ud800"}', '{"q": 12345678901234567890123}'),
    *("[", "", "plain", json.dumps({"k": SECRET}), json.dumps({"k": "*" * len(SECRET)})),
    *(json.dumps({"k": KEY}), json.dumps({"k": "*" * len(KEY)}), "[" * 2000),
)
PART = b'\r\ncontent-disposition: form-data; name="q"\r\n\r\n1\r\n--'
BODIES = (
    *(text.encode() for text in TEXTS),
    *(b"--" + mark + PART + mark + b"--\r\n" for mark in (b"one", b"two", b"boundary")),
    b"\xff\0\x80",
)
HEADERS = (
    (),
    (("Content-Type", 'multipart/form-data; boundary="one"'),),
    (("content-type", "multipart/form-data; boundary=two"), ("user-agent", "x")),
    (("X-Amz-Target", "Bedrock.Ask"), ("content-type", "application/json")),
    (("upgrade", "WebSocket"),),
)


def digest_of(method, url, headers, body):
    return canonical_request(method, url, headers, body, scrubber=NOBODYS, rule=RULE).digest()


def older_digest(method, url, headers, body):
    del headers
    return request_digest(method, url, body)


def lie(*_request):
    return digest_of("POST", URLS[0], (), BODIES[0])


@dataclass(frozen=True)
class Asked:
    method: str
    url: str
    headers: tuple
    body: bytes


ASKED = st.builds(
    Asked,
    st.sampled_from(("POST", "post", "GET")),
    st.sampled_from(URLS),
    st.sampled_from(HEADERS),
    st.sampled_from(BODIES) | st.binary(max_size=6),
)
RECORDED = st.tuples(
    ASKED, st.sampled_from((digest_of, digest_of, older_digest, lie)), st.integers(0, 1)
)


def taped(recorded):
    """Exchanges of these requests, each answered by its number."""
    exchanges = {}
    for number, (one, digest, trial) in enumerate(recorded):
        request = (one.method.upper(), one.url, one.headers, one.body)
        try:
            named = digest(*request)
        except ValueError:
            named = f"of-no-url-{number}"
        attempt = sum(key[:2] == (named, trial) for key in exchanges)
        exchanges[named, trial, attempt] = Exchange(
            case="case",
            trial=trial,
            attempt=attempt,
            request=Request(**dict(zip(FIELDS, request, strict=True)), digest=named),
            response=None,
            started_at=f"2026-01-01T00:00:{number:02d}+00:00",
            waited_us=0,
            headers_us=None,
            end_us=number,
            ended="error",
            error=f"Answer{number}",
        )
    return MemoryTape.of(exchanges.values())


def outcome(player, one, trial, case="case"):
    """What a client gets: an answer, or which refusal."""
    sent = Outgoing(method=one.method, url=one.url, headers=one.headers, body=one.body)
    try:
        with in_trial(case, trial):
            played = player.begin(sent, via="httpx2")
    except (ContractcheckError, ValueError) as error:
        return type(error), str(error)
    # Of its request only the digest, which says which line it is from.
    return replace(played.exchange, request=played.exchange.request.digest)


def players(tape, secrets=(), rule=RULE):
    return [
        Player(recording=one, scrubber=Scrubber.for_secrets(secrets), rule=rule, attempts="all")
        for one in (tape, Unexpecting(tape))
    ]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(RECORDED, max_size=6),
    st.lists(ASKED, max_size=6),
    st.sampled_from(((), (SECRET,))),
    st.sampled_from((RULE, Canonicalisation())),
)
def test_every_request_gets_the_answer_that_it_got_without(recorded, others, secrets, rule):
    fast, slow = players(taped(recorded), secrets, rule)
    # What was recorded is asked for as it was, and then anything else.
    for one in (*(one for one, _, _ in recorded), *others):
        for trial in (0, 1):
            assert outcome(fast, one, trial) == outcome(slow, one, trial)
    assert fast.unused() == slow.unused()


@settings(deadline=None)
@given(st.lists(ASKED, max_size=5), ASKED)
def test_what_was_worked_out_ahead_is_what_would_be_worked_out_now(recorded, one):
    tape = taped([(each, digest_of, 0) for each in recorded])
    player = Player(recording=tape, scrubber=NOBODYS, rule=RULE)
    for asked in (*recorded, one):
        material = digest_material(asked.method, asked.url, asked.headers, asked.body)
        found = player._expected.get("case", material)
        if found is not None:
            assert found == player._reduced(material)
            digest = digest_of(asked.method, asked.url, asked.headers, asked.body)
            assert found.digest == digest


@settings(deadline=None)
@given(ASKED)
def test_a_digest_follows_from_its_material(one):
    (head, body) = digest_material(one.method, one.url, one.headers, one.body)
    try:
        digest = digest_of(one.method, one.url, one.headers, one.body)
    except ValueError:
        return
    assert digest_of(*head[:2], headers_of(head), body) == digest
    assert digest_material(*head[:2], headers_of(head), body) == (head, body)


@pytest.mark.parametrize("version", ["format-1", "format-2"])
@pytest.mark.parametrize("kind", ["open", "sealed"])
def test_runs_of_every_format_are_played_alike(version, kind):
    folder = FORMATS / version / kind
    whole = [open_tape(folder) for _ in range(2)]
    fast, slow = (
        Player(recording=tape, scrubber=NOBODYS, attempts="all")
        for tape in (whole[0], Unexpecting(whole[1]))
    )
    played = 0
    for case in whole[0].cases:
        requests = open_tape(folder).requests(case)
        for digest, trial, _ in open_tape(folder).keys(case):
            sent = requests[digest]
            results = [outcome(player, sent, trial, case) for player in (fast, slow)]
            assert results[0] == results[1]
            played += isinstance(results[0], Exchange)
    assert played
    assert fast.unused() == slow.unused()


def of(asked):
    return digest_material(*(getattr(asked, name) for name in FIELDS))


def expecting(asked, scrubber=NOBODYS, **options):
    tape = taped([(one, digest_of, 0) for one in asked])
    return Player(recording=tape, scrubber=scrubber, **options)


def test_a_recorded_question_is_not_worked_out_when_it_is_asked():
    asked = [Asked("POST", URLS[0], (), body) for body in BODIES[1:4]]
    player = expecting(asked)
    worked_out = []
    reduce = player._expected.reduce
    player._expected.reduce = lambda material: worked_out.append(material) or reduce(material)
    for _ in range(3):
        assert [player._expected.get("case", of(one)) for one in asked] == [
            reduce(of(one)) for one in asked
        ]
    assert len(worked_out) == len(asked)


def test_the_only_question_of_a_case_is_not_worked_out_ahead():
    asked = Asked("POST", URLS[0], (), BODIES[0])
    assert expecting([asked])._expected.get("case", of(asked)) is None


def test_who_learns_a_secret_expects_anew():
    bodies = [json.dumps({"k": "word-" + SECRET}).encode(), BODIES[0]]
    asked = [Asked("POST", URLS[0], (), body) for body in bodies]
    scrubber = Scrubber.for_secrets(())
    player = expecting(asked, scrubber)
    before = player._expected.get("case", of(asked[0]))
    assert before == player._reduced(of(asked[0]))
    scrubber.learn([SECRET])
    after = player._expected.get("case", of(asked[0]))
    assert after == player._reduced(of(asked[0]))
    assert after.digest != before.digest


def test_a_case_too_large_to_wait_for_is_not_worked_out_ahead():
    body = b"x" * (_MOST_CASE_BYTES // 2)
    asked = [Asked("POST", URLS[0], (), body + tail) for tail in (b"", b"1")]
    assert expecting(asked)._expected.get("case", of(asked[0])) is None


def test_only_so_many_are_kept():
    class Endless:
        def expected(self, case):
            return [
                Request(method="POST", url=case, headers=(), body=b"%d" % n, digest="")
                for n in range(_MOST // 2 + 1)
            ]

    reduced = Request(method="POST", url="", headers=(), body=b"", digest="")
    expected = Expected(Endless(), NOBODYS, lambda _material: reduced)
    last = b"%d" % (_MOST // 2)
    found = [expected.get(c, digest_material("POST", c, (), last)) for c in ("a", "b", "c")]
    assert found == [reduced, None, None]
    assert expected._table.size == _MOST
