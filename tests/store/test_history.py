"""Whatever adds the same nights, in whichever order and however often, ends in the same history."""

import itertools
import math
import sqlite3
import stat
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.errors import RecordingError, UsageError
from contractcheck.model.history import (
    ChartReading,
    FindingRecord,
    HistoryEvent,
    NightJudgement,
    NightRecord,
    NightValue,
    NightValues,
)
from contractcheck.model.judgement import FindingKind, Verdict
from contractcheck.model.night import (
    CaseNight,
    LabelCell,
    NightStatistics,
    NumberCell,
    RateCell,
    TextCell,
)
from contractcheck.store import stored_form
from contractcheck.store.history import open_history

OF = ("hello", "openai:gpt-sim-mini")


def record(night, number=0, **fields):
    given = {
        "suite": OF[0],
        "target": OF[1],
        "night": night,
        "run_id": f"{night.replace('-', '')}t02000{number}z-aa",
        "run_root": f"{number}f",
        "is_complete": True,
        "suite_version": "1.0.0",
        "suite_fingerprint": "f" * 8,
        "started_at": f"{night}T02:00:00+00:00",
        "ended_at": f"{night}T02:05:00+00:00",
        "vantage": {"python": "3.11", "place": "Zürich ☃"},
        "parts": {"greet": {"prompt": "ab"}},
        "checks": {"greet": "cd"},
        "models": ("gpt-sim-mini",),
        "label": "simulated",
    }
    return NightRecord(**{**given, **fields})


def statistics_of(known):
    cells = {
        "text": TextCell(count=3, mean=(0.1, 0.25), effective_dimension=1.5),
        "ending": LabelCell(counts={"stop": 2, "length": 1}),
        "output_tokens": NumberCell(values=(1.0, 2.5, 1e300), missing=1),
        "not_empty": RateCell(passed=2, count=3),
    }
    one = CaseNight(request_fingerprint="q", answered=3, planned=3, cells=cells)
    return NightStatistics(
        night=known.night,
        run_id=known.run_id,
        is_complete=known.is_complete,
        cases={"greet": one},
        models=known.models,
    )


def values_of(night, number=0):
    values = {"greet": NightValue(value=0.1 + number, variance=1 / 3)}
    return NightValues(night=night, run_id=f"run-{number}", streams={"text": values})


def judgement(night, headline="it moved"):
    finding = FindingRecord(
        kind=FindingKind.DRIFT,
        plane="outputs",
        message="moved",
        case="greet",
        metric="text",
        since=night,
    )
    chart = ChartReading(stream="text", plane="outputs", kind="mean", value=3.5, threshold=3.0)
    return NightJudgement(
        suite=OF[0],
        target=OF[1],
        night=night,
        run_id="r",
        baseline="b" * 8,
        verdict=Verdict.FAIL,
        headline=headline,
        findings=(finding,),
        charts=(chart,),
        confirm_after=f"{night}T04:00:00+00:00",
        after="2026-02-28",
        seen="nothing",
    )


def event(night, **fields):
    return HistoryEvent(
        **{"suite": OF[0], "target": OF[1], "night": night, "kind": "alarm", "words": "x", **fields}
    )


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return tmp_path / "some" / "history.sqlite"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def history(url):
    with open_history(url) as opened:
        yield opened


NIGHTS = [f"2026-03-{day:02}" for day in range(1, 8)]


def test_what_is_kept_comes_back_as_it_was(history):
    known = record("2026-03-01", fingerprints=("fp",))
    assert history.add_night(known, statistics_of(known))
    assert history.night(*OF, "2026-03-01") == known
    assert history.statistics(*OF, "2026-03-01") == stored_form(statistics_of(known))
    assert history.night(*OF, "2026-03-02") is None
    assert history.statistics(*OF, "2026-03-01", "confirmation") is None
    history.put_values(*OF, "base", [values_of("2026-03-01")])
    assert history.values(*OF, "base") == (values_of("2026-03-01"),)
    assert history.values(*OF, "another") == ()
    history.put_judgement(judgement("2026-03-01"))
    assert history.judgements(*OF) == (judgement("2026-03-01"),)
    told = event("2026-03-01", case="greet", by="me", expires="2026-04-01")
    assert history.add_event(told)
    assert history.events(*OF) == (told,)
    assert history.subjects() == (OF,)


def test_a_history_is_there_when_it_is_opened_again(url):
    with open_history(url) as first:
        first.add_night(record("2026-03-01"), statistics_of(record("2026-03-01")))
        digest = first.digest()
    with open_history(url) as second:
        assert second.nights(*OF) == (record("2026-03-01"),)
        assert second.digest() == digest


def test_nights_come_oldest_first_and_the_latest_of_them_on_demand(history):
    for night in NIGHTS[::-2] + NIGHTS[1::2]:
        history.add_night(record(night), statistics_of(record(night)))
        history.put_values(*OF, "base", [values_of(night)])
        history.put_judgement(judgement(night))
    assert [one.night for one in history.nights(*OF)] == NIGHTS
    assert [one.night for one in history.nights(*OF, last=2)] == NIGHTS[-2:]
    assert [one.night for one in history.nights(*OF, after=NIGHTS[2])] == NIGHTS[3:]
    assert [one.night for one in history.values(*OF, "base", last=3)] == NIGHTS[-3:]
    assert [one.night for one in history.judgements(*OF, last=1)] == NIGHTS[-1:]


def test_suites_and_targets_do_not_mix(history):
    other = record("2026-03-01", suite="other")
    history.add_night(other, statistics_of(other))
    history.add_event(event("2026-03-01", target="openai:another"))
    assert history.nights(*OF) == ()
    assert history.nights("other", OF[1]) == (other,)
    assert history.subjects() == (("hello", "openai:another"), ("other", OF[1]))


def test_a_confirmation_is_apart_from_its_night(history):
    night, second = record("2026-03-01"), record("2026-03-01", 5, part="confirmation")
    for one in (night, second):
        assert history.add_night(one, statistics_of(one))
    assert history.nights(*OF) == (night,)
    assert history.nights(*OF, part="confirmation") == (second,)


def test_the_same_run_again_changes_nothing(history):
    known = record("2026-03-01")
    assert history.add_night(known, statistics_of(known))
    history.put_values(*OF, "base", [values_of("2026-03-01")])
    history.put_judgement(judgement("2026-03-01"))
    digest = history.digest()
    assert not history.add_night(known, statistics_of(known))
    history.put_values(*OF, "base", [values_of("2026-03-01")])
    history.put_judgement(judgement("2026-03-01"))
    assert history.digest() == digest


def test_of_the_runs_of_a_night_the_same_one_stands_in_any_order(url):
    runs = [
        record("2026-03-01", 0, is_complete=False),
        record("2026-03-01", 1, is_complete=False, run_root=""),
        record("2026-03-01", 2),
        record("2026-03-01", 3),
        record("2026-03-01", 3, run_root="another"),
    ]
    with open_history(url) as history:
        for number, order in enumerate(itertools.islice(itertools.permutations(runs), 0, None, 7)):
            suite = f"s{number}"
            for one in order:
                mine = replace(one, suite=suite)
                history.add_night(mine, statistics_of(mine))
            (stands,) = history.nights(suite, OF[1])
            assert stands == replace(runs[2], suite=suite)


def test_an_interrupted_run_is_replaced_by_what_it_became(history):
    cut = record("2026-03-01", is_complete=False, run_root="")
    assert history.add_night(cut, statistics_of(cut))
    assert not history.add_night(cut, statistics_of(cut))
    further = replace(statistics_of(cut), models=("gpt-sim-mini", "other"))
    assert history.add_night(cut, further)
    assert history.statistics(*OF, "2026-03-01").models == further.models
    sealed = record("2026-03-01", is_complete=False)
    assert history.add_night(sealed, statistics_of(sealed))
    assert not history.add_night(cut, further)
    whole = record("2026-03-01", run_root="whole")
    assert history.add_night(whole, statistics_of(whole))
    assert history.night(*OF, "2026-03-01") == whole


def test_what_followed_from_a_replaced_run_is_gone_and_nothing_else(history):
    outage = record("2026-03-02", 0, is_complete=False)
    for one in (record("2026-03-01"), outage):
        history.add_night(one, statistics_of(one))
    history.put_values(*OF, "base", map(values_of, ["2026-03-01", "2026-03-02"]))
    for night in ("2026-03-01", "2026-03-02"):
        history.put_judgement(judgement(night))
    second = record("2026-03-02", 1, part="confirmation")
    history.add_night(second, statistics_of(second))
    assert len(history.values(*OF, "base")) == 2
    whole = record("2026-03-02", 4)
    history.add_night(whole, statistics_of(whole))
    assert [one.night for one in history.values(*OF, "base")] == ["2026-03-01"]
    assert [one.night for one in history.judgements(*OF)] == ["2026-03-01"]


def test_rescoring_replaces_what_a_run_came_to_but_not_which_run_it_is(history):
    known = record("2026-03-01")
    history.add_night(known, statistics_of(known))
    history.put_values(*OF, "base", [values_of("2026-03-01")])
    assert not history.rescore_night(known, statistics_of(known))
    assert len(history.values(*OF, "base")) == 1
    other = replace(statistics_of(known), models=("new",))
    assert history.rescore_night(known, other)
    assert history.statistics(*OF, "2026-03-01").models == ("new",)
    assert history.values(*OF, "base") == ()
    assert not history.rescore_night(record("2026-03-01", 7), statistics_of(known))
    assert not history.rescore_night(record("2026-03-02"), statistics_of(record("2026-03-02")))


def test_values_and_judgements_are_replaced_by_what_is_said_last(history):
    history.put_values(*OF, "base", [values_of("2026-03-01")])
    history.put_values(*OF, "base", [values_of("2026-03-01", 1), values_of("2026-03-02")])
    assert history.values(*OF, "base") == (values_of("2026-03-01", 1), values_of("2026-03-02"))
    history.put_judgement(judgement("2026-03-01"))
    history.put_judgement(judgement("2026-03-01", "no, it stayed"))
    assert [one.headline for one in history.judgements(*OF)] == ["no, it stayed"]


def test_an_alarm_is_told_once_and_what_people_do_each_time(history):
    assert history.add_event(event("2026-03-01", words="moved"))
    assert not history.add_event(event("2026-03-01", words="moved"))
    assert history.add_event(event("2026-03-01", words="moved, since yesterday"))
    assert [one.words for one in history.events(*OF)] == ["moved, since yesterday"]
    for words in ("metric a", "metric b"):
        assert history.add_event(event("2026-03-01", kind="mute", case="greet", words=words))
        assert not history.add_event(event("2026-03-01", kind="mute", case="greet", words=words))
    assert history.add_event(event("2026-03-01", case="greet"))
    assert len(history.events(*OF)) == 4


def test_events_come_in_one_order_however_they_were_added(tmp_path):
    told = [event(night, kind=kind) for night in NIGHTS for kind in ("outage", "alarm", "rebase")]
    orders = []
    for number, order in enumerate((told, told[::-1], told[::2] + told[1::2])):
        with open_history(tmp_path / f"{number}.sqlite") as history:
            for one in order:
                history.add_event(one)
            orders.append((history.events(*OF), history.digest()))
    assert orders[0] == orders[1] == orders[2]
    assert [one.night for one in orders[0][0]] == sorted(NIGHTS * 3)


def test_a_night_is_claimed_by_one_until_it_is_released_or_void(history):
    claim = (*OF, "2026-03-01")
    assert history.claim(*claim, "me", 60)
    assert not history.claim(*claim, "you", 60)
    assert history.claim(*claim, "me", 60)
    assert history.claim(*OF, "2026-03-02", "you", 60)
    history.release(*claim, "you")
    assert not history.claim(*claim, "you", 60)
    history.release(*claim, "me")
    assert history.claim(*claim, "you", 0)
    assert history.claim(*claim, "me", 60)


def test_claims_are_no_part_of_what_a_history_says(history):
    digest = history.digest()
    history.claim(*OF, "2026-03-01", "me", 60)
    assert history.digest() == digest
    history.add_event(event("2026-03-01"))
    assert history.digest() != digest


def test_both_databases_hold_the_same(tmp_path, postgres_url):
    digests = []
    for url in (tmp_path / "h.sqlite", postgres_url):
        with open_history(url) as history:
            for night in NIGHTS:
                history.add_night(record(night), statistics_of(record(night)))
                history.put_values(*OF, "base", [values_of(night)])
                history.put_judgement(judgement(night))
                history.add_event(event(night))
            digests.append(history.digest())
    assert digests[0] == digests[1]


def test_no_field_is_forgotten():
    """A field that is added later, and not kept, would come back as its default."""
    from contractcheck.store import history_codec as codec

    night = record("2026-03-01", part="confirmation", fingerprints=("fp",))
    told = event("2026-03-01", case="c", by="b", expires="2027-01-01")
    for noun, encode, decode in (
        (night, codec.encode_record, codec.decode_record),
        (judgement("2026-03-01"), codec.encode_judgement, codec.decode_judgement),
        (told, codec.encode_event, codec.decode_event),
    ):
        for field in fields(noun):
            assert getattr(noun, field.name) != field.default, field.name
        assert decode(encode(noun), "here") == noun
    (finding,) = judgement("2026-03-01").findings
    assert all(getattr(finding, field.name) is not None for field in fields(finding))


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.dictionaries(st.text(max_size=8), st.tuples(FINITE, FINITE), max_size=4),
        max_size=4,
    )
)
def test_numbers_come_back_to_the_last_bit(streams):
    from contractcheck.store.history_codec import decode_values, encode_values

    values = NightValues(
        night="2026-03-01",
        run_id="r",
        streams={
            stream: {case: NightValue(value=a, variance=b) for case, (a, b) in cases.items()}
            for stream, cases in streams.items()
        },
    )
    assert decode_values(encode_values(values), "here") == values


def test_a_number_that_is_none_is_refused_and_a_chart_may_stand_nowhere(history):
    bad = NightValues(
        night="2026-03-01",
        run_id="r",
        streams={"text": {"greet": NightValue(value=math.nan, variance=0.0)}},
    )
    with pytest.raises(ValueError, match="text of greet is not finite"):
        history.put_values(*OF, "base", [bad])
    chart = ChartReading(stream="t", plane="latency", kind="mean", value=math.nan, threshold=3.0)
    history.put_judgement(replace(judgement("2026-03-01"), charts=(chart,)))
    (kept,) = history.judgements(*OF)
    assert math.isnan(kept.charts[0].value)


@pytest.mark.parametrize(
    "pair", ["[1.0]", "[1.0,2.0,3.0]", '"ab"', "1.0", "{}", '["1.0",2.0]', "[true,2.0]", "null"]
)
def test_values_that_are_no_two_numbers_are_damage(pair):
    from contractcheck.store.history_codec import decode_values
    from contractcheck.store.zstd import pack

    streams = f'{{"text":{{"good":[1.0,2.0],"bad":{pair}}}}}'
    text = f'{{"format":1,"night":"2026-03-01","run":"r","streams":{streams}}}'
    with pytest.raises(RecordingError, match="here: damaged"):
        decode_values(pack(text.encode()), "here")


def test_whole_numbers_are_values_too():
    from contractcheck.store.history_codec import decode_values
    from contractcheck.store.zstd import pack

    streams = '{"text":{"a":[1,2.0],"b":[0.5,3]},"none":{}}'
    text = f'{{"format":1,"night":"2026-03-01","run":"r","streams":{streams}}}'
    found = decode_values(pack(text.encode()), "here").streams
    assert found["text"]["a"] == NightValue(value=1.0, variance=2.0)
    assert found["text"]["b"] == NightValue(value=0.5, variance=3.0)
    assert all(type(one.value) is float for one in found["text"].values())
    assert not found["none"]


def spoil(path, statement, *values):
    with sqlite3.connect(path) as connection:
        connection.execute(statement, values)
    connection.close()


def full(path):
    known = record("2026-03-01")
    with open_history(path) as history:
        history.add_night(known, statistics_of(known))
        history.put_values(*OF, "base", [values_of("2026-03-01")])
        history.put_judgement(judgement("2026-03-01"))
        history.add_event(event("2026-03-01"))
    return path


READS = {
    "record": lambda h: h.nights(*OF),
    "statistics": lambda h: h.statistics(*OF, "2026-03-01"),
    "values": lambda h: h.values(*OF, "base"),
    "judgements": lambda h: h.judgements(*OF),
    "events": lambda h: h.events(*OF),
}
SPOIL = {
    "record": "UPDATE contractcheck_nights SET record = ?",
    "statistics": "UPDATE contractcheck_nights SET statistics = ?",
    "values": "UPDATE contractcheck_values SET document = ?",
    "judgements": "UPDATE contractcheck_judgements SET document = ?",
    "events": "UPDATE contractcheck_events SET document = ?",
}
DAMAGES = [b"", b"\xff\xfe", b"{}", b"[]", b'{"format":1}', b'{"format":1,"suite":7}', b"\x28\xb5"]
DAMAGES += ["", '{"format":1}', 7, 1.5]  # SQLite has types of values, not of columns


@pytest.mark.parametrize("what", READS)
def test_a_damaged_row_is_named_and_can_be_made_again(tmp_path, what):
    path = full(tmp_path / "h.sqlite")
    for damage in DAMAGES:
        spoil(path, SPOIL[what], damage)
        with open_history(path) as history, pytest.raises(RecordingError) as told:
            READS[what](history)
        assert "hello × openai:gpt-sim-mini, night 2026-03-01" in str(told.value), damage
        assert "contractcheck history rebuild" in str(told.value), damage


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_rows_are_cleared_away(tmp_path, damage):
    path = full(tmp_path / "h.sqlite")
    for statement in SPOIL.values():
        spoil(path, statement, damage)
    with open_history(path) as history:
        problems = history.clear_damage(*OF)
        assert [read(history) for read in READS.values()] == [(), None, (), (), ()]
    assert len(problems) == 3
    assert all("hello × openai:gpt-sim-mini, night 2026-03-01" in one for one in problems)


@pytest.mark.parametrize("column", ["suite", "target"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contractcheck_nights SET column = ?",
        "UPDATE contractcheck_judgements SET column = ?",
        "UPDATE contractcheck_events SET column = ?",
    ],
)
def test_a_row_that_is_nobodys_is_damage(tmp_path, statement, column):
    path = full(tmp_path / "h.sqlite")
    spoil(path, statement.replace("column", column), b"\xff")
    with open_history(path) as history, pytest.raises(RecordingError) as told:
        history.subjects()
    assert f"history {path}: " in str(told.value)
    assert "contractcheck history rebuild" in str(told.value)


@pytest.mark.parametrize("what", ["record", "judgements", "events"])
def test_a_row_of_a_newer_version_asks_for_an_upgrade(tmp_path, what):
    path = full(tmp_path / "h.sqlite")
    spoil(path, SPOIL[what], b'{"format":99}')
    with open_history(path) as history, pytest.raises(RecordingError, match="upgrade contractc"):
        READS[what](history)


@pytest.mark.parametrize(
    ("version", "words"), [(99, "upgrade contractcheck"), (0, "contractcheck history rebuild")]
)
def test_tables_of_another_version_are_left_alone(tmp_path, version, words):
    path = full(tmp_path / "h.sqlite")
    spoil(path, "UPDATE contractcheck_schema SET version = ?", version)
    with pytest.raises(RecordingError, match=words), open_history(path):
        pass
    spoil(path, "UPDATE contractcheck_schema SET version = 1")
    with open_history(path) as history:
        assert len(history.nights(*OF)) == 1


@pytest.mark.parametrize("version", ["one", b"\x01", 1.5])
def test_a_version_that_is_no_number_is_damage(tmp_path, version):
    path = full(tmp_path / "h.sqlite")
    spoil(path, "UPDATE contractcheck_schema SET version = ?", version)
    for renew in (False, True):
        with pytest.raises(RecordingError) as told, open_history(path, renew=renew):
            pass
        assert f"history {path}: its version" in str(told.value)
        assert "contractcheck history rebuild" in str(told.value)


def test_tables_that_a_kill_left_unfinished_are_finished(url):
    with open_history(url) as history:
        history._database.do(lambda link: link.exec_driver_sql("DELETE FROM contractcheck_schema"))
        history._database.do(lambda link: link.exec_driver_sql("DROP TABLE contractcheck_events"))
    with open_history(url) as history:
        assert history.add_event(event("2026-03-01"))


def test_the_file_is_for_its_owner_only_and_survives_a_power_cut(tmp_path):
    path = tmp_path / "new" / "history.sqlite"
    with open_history(path) as history:
        history.add_event(event("2026-03-01"))
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        asked = {
            name: history._database.do(
                lambda link, n=name: link.exec_driver_sql(f"PRAGMA {n}").scalar()
            )
            for name in ("journal_mode", "synchronous", "trusted_schema")
        }
    assert asked == {"journal_mode": "wal", "synchronous": 2, "trusted_schema": 0}


def test_a_history_that_has_to_be_there_is_not_made(tmp_path):
    with (
        pytest.raises(UsageError, match="there is no history; `contractcheck watch` makes one"),
        open_history(tmp_path / "h.sqlite", create=False),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    ["mysql://u:secret@h/d", "sqlite://", "sqlite:///x?mode=ro", "postgresql://u:secret@h:port/d"],
)
def test_what_is_no_history_is_refused_without_its_password(url):
    with pytest.raises(UsageError) as told, open_history(url):
        pass
    assert "--history" in str(told.value)
    assert "secret" not in str(told.value)


def test_a_link_and_a_file_of_something_else_are_refused(tmp_path):
    full(tmp_path / "h.sqlite")
    (tmp_path / "link").symlink_to(tmp_path / "h.sqlite")
    with pytest.raises(RecordingError, match="is a symbolic link"), open_history(tmp_path / "link"):
        pass
    (tmp_path / "other").write_text("no database at all, but long enough to be looked at" * 99)
    with pytest.raises(RecordingError, match="move it away"), open_history(tmp_path / "other"):
        pass


def test_a_server_that_is_not_there_is_named_without_its_password(monkeypatch):
    monkeypatch.setattr("contractcheck.store.database._PAUSES_S", (0.0,))
    url = "postgresql://me:hunter2@127.0.0.1:9/nights?application_name=hunter2"
    with pytest.raises(RecordingError) as told, open_history(url):
        pass
    assert "history postgresql://me:***@127.0.0.1:9/nights: " in str(told.value)
    assert "hunter2" not in str(told.value)


def test_a_wrong_password_is_told_at_once_and_not_shown(postgres_url, monkeypatch):
    slept = []
    monkeypatch.setattr("contractcheck.store.database.time.sleep", slept.append)
    user, _, rest = postgres_url.rpartition("@")
    with pytest.raises(RecordingError) as told, open_history(f"{user}wrong@{rest}"):
        pass
    assert "password authentication failed" in str(told.value)
    assert "wrong@" not in str(told.value)
    assert slept == []


def test_the_password_may_come_from_where_libpq_looks(postgres_url, monkeypatch):
    head, _, rest = postgres_url.rpartition("@")
    user, _, password = head.removeprefix("postgresql://").partition(":")
    monkeypatch.setenv("PGPASSWORD", password)
    with open_history(f"postgres://{user}@{rest}?application_name=tests") as history:
        assert history.add_event(event("2026-03-01"))
        assert history.shown == f"postgresql://{user}@{rest}"
