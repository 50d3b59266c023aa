import pytest

from contractcheck.cassettes import create_run, in_trial, read_run
from contractcheck.cassettes.lines import exchange_line
from contractcheck.cassettes.recorder import Recorder
from contractcheck.cassettes.session import Outgoing
from contractcheck.errors import RecordingError
from contractcheck.redaction import Scrubber, Searched, is_searched

SECRET = "sesame+open+sesame"  # noqa: S105 - made up, to be looked for


def test_the_last_look_refuses_what_redaction_missed(tmp_path, make_header, make_exchange):
    run = create_run(tmp_path / "run", make_header(), Scrubber.for_secrets([SECRET]))
    run.append(make_exchange("a", 0))
    leaking = make_exchange("a", 1, b"{" + SECRET.encode() + b"}")
    with pytest.raises(RecordingError) as refused:
        run.append(leaking)
    assert "refused to write a credential this process uses (byte " in str(refused.value)
    assert SECRET not in str(refused.value)
    run.close()
    files = [path.read_bytes() for path in run.folder.iterdir()]
    assert all(SECRET.encode() not in data for data in files)
    assert [x.trial for x in read_run(run.folder).exchanges] == [0]


def test_the_last_look_sees_what_lies_across_two_parts_of_a_body(
    tmp_path, make_header, make_exchange
):
    """A passage that repeats is written once, and the secret begins in it."""
    run = create_run(tmp_path / "run", make_header(), Scrubber.for_secrets(["sesame+x:open"]))
    for trial, end in enumerate((b"shut", b"open")):
        words = (b"tree", b"door", b"hill", b"lake", end, b"road")
        body = b"".join(b'data: {"event": 1, "said": "sesame+x:%s"}\n\n' % word for word in words)
        exchange = make_exchange("a", trial, body)
        assert b'"door","hill","lake"' in exchange_line(exchange)
        assert b"sesame+x:open" not in exchange_line(exchange)
        if trial == 0:
            run.append(exchange)
        else:
            with pytest.raises(RecordingError, match="refused to write a credential"):
                run.append(exchange)
    run.close()
    assert [x.trial for x in read_run(run.folder).exchanges] == [0]


@pytest.mark.parametrize("field", ["label", "vantage"])
def test_a_header_that_holds_a_credential_is_refused_before_anything_is_written(
    tmp_path, make_header, field
):
    value = SECRET if field == "label" else {"region": SECRET}
    with pytest.raises(RecordingError, match=rf"\({field}\); take it out, nothing was written"):
        create_run(tmp_path / "run", make_header(**{field: value}), Scrubber.for_secrets([SECRET]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", ["contractcheck", "vantage", "suite_version", "target"])
def test_a_credential_that_is_a_word_of_every_run_header_is_said_to_be_one(
    tmp_path, make_header, word
):
    with pytest.raises(RecordingError) as refused:
        create_run(tmp_path / "run", make_header(), Scrubber.for_secrets([word]))
    said = str(refused.value).removeprefix(str(tmp_path))
    assert "its value is an ordinary word" in said
    assert "unset the variable" in said
    assert word not in said
    assert list(tmp_path.iterdir()) == []


def test_a_credential_that_is_a_word_of_this_run_is_said_to_be_in_which_field(
    tmp_path, make_header
):
    header = make_header(vantage={"platform": "Linux x86_64"})
    with pytest.raises(RecordingError) as refused:
        create_run(tmp_path / "run", header, Scrubber.for_secrets(["platform"]))
    said = str(refused.value)
    assert "(vantage); take it out" in said
    assert "If it is an ordinary word that belongs there, unset the variable" in said
    assert "platform" not in said


@pytest.mark.parametrize("word", ["headers", "waited_us", "attempt", "journal"])
def test_a_credential_that_is_a_word_of_every_recording_is_said_to_be_one(
    tmp_path, make_header, make_exchange, word
):
    run = create_run(tmp_path / "run", make_header(), Scrubber.for_secrets([word]))
    with pytest.raises(RecordingError) as refused:
        run.append(make_exchange("a", 0))
    run.close()
    said = str(refused.value).removeprefix(str(run.folder))
    assert "an ordinary word that every recording holds" in said
    assert "please report" not in said
    assert f" {word}" not in said


def test_such_a_credential_in_a_body_is_still_a_leak_to_report(
    tmp_path, make_header, make_exchange
):
    run = create_run(tmp_path / "run", make_header(), Scrubber.for_secrets([SECRET]))
    for place in ({"body": SECRET.encode()}, {"note": SECRET}, {"via": f"x {SECRET}"}):
        with pytest.raises(RecordingError, match="please report this"):
            run.append(make_exchange("a", 0, **place))
    run.close()


def test_who_knows_more_than_redaction_did_looks_again(tmp_path, make_header, make_exchange):
    body = Searched.by(Scrubber.for_secrets([]), b"{" + SECRET.encode() + b"}", None)
    run = create_run(tmp_path / "run", make_header(), Scrubber.for_secrets([SECRET]))
    with pytest.raises(RecordingError, match="refused to write a credential this process uses"):
        run.append(make_exchange("a", 0, body))
    run.close()


def test_beside_a_body_that_was_searched_everything_is_looked_at(
    tmp_path, make_header, make_exchange
):
    scrubber = Scrubber.for_secrets([SECRET])
    body = Searched.by(scrubber, b"nothing to find here", None)
    run = create_run(tmp_path / "run", make_header(), scrubber)
    for place in ({"note": SECRET}, {"via": SECRET}, {"error": SECRET}, {"ended": SECRET}):
        with pytest.raises(RecordingError, match="refused to write a credential this process uses"):
            run.append(make_exchange("a", 0, body, **place))
    run.close()


@pytest.mark.parametrize(
    ("chunks", "is_clean"),
    [((b"nothing ", b"to find"), True), ((b"sesame+open", b"+sesame"), False), ((), True)],
)
def test_the_recorder_marks_the_bodies_in_which_nothing_was_found(chunks, is_clean):
    kept = []
    scrubber = Scrubber.for_secrets([SECRET])
    recorder = Recorder(sink=Sink(kept), scrubber=scrubber)
    with in_trial("a", 0):
        asked = Outgoing(method="POST", url="https://x/", headers=(), body=b"")
        take = recorder.begin(asked, via="httpx2")
        take.on_headers(status=200, reason="OK", http_version="HTTP/1.1", headers=())
        for chunk in chunks:
            take.on_chunk(chunk)
        take.finish("eof")
    (exchange,) = kept
    assert is_searched(exchange.response.body, scrubber) is is_clean
    assert exchange.response.body == (b"".join(chunks) if is_clean else b"*" * len(SECRET))


class Sink:
    def __init__(self, kept):
        self.append = kept.append
