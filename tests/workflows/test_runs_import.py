"""Imports: all files or none, redacted, never a night, never timed; and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
import vcr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contractcheck.cassettes import is_sealed, read_run
from contractcheck.errors import AcceptRefusedError, ContractcheckError, RecordingError, UsageError
from contractcheck.measuring import observe
from contractcheck.model.judgement import Verdict
from contractcheck.model.target import Target
from contractcheck.workflows.runs_export import export_run
from contractcheck.workflows.runs_import import ImportOptions, import_cassettes
from contractcheck.workflows.runs_verify import verify_runs
from contractcheck.workflows.workspace import Workspace

CORPUS = Path(__file__).parents[1] / "cassettes" / "vcr_corpus"
TARGET = Target(provider="openai", model="gpt-sim-mini-2026-03-01")
KEY = "sk-proj-Zq81nVtR5mPx0aLwKd93"
PLAIN = ImportOptions(suite="hello", target=TARGET)


def write(path, *interactions):
    items = [
        {
            "request": {"method": "POST", "uri": uri, "body": body, "headers": {}},
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {},
                "body": {"string": answer},
            },
        }
        for uri, body, answer in interactions
    ]
    path.write_text(json.dumps({"version": 1, "interactions": items}))
    return path


def everything_below(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def place(tmp_path):
    return Workspace(tmp_path / "project")


def test_each_file_becomes_a_case_of_one_sealed_run(place, tmp_path):
    files = [
        write(tmp_path / "Test_Chat.test_hello[gpt 4].yaml", ("http://x/a", "1", "one")),
        write(tmp_path / "b.JSON", ("http://x/a", "1", "one"), ("http://x/a", "1", "two")),
    ]
    made = import_cassettes(place, files, PLAIN)
    assert made.interactions == {"test_chat.test_hello-gpt-4": 1, "b": 2}
    run = read_run(made.folder)
    assert is_sealed(made.folder)
    assert (run.header.label, run.header.night) == ("imported from vcrpy", None)
    assert run.header.cases["b"].samples == 2
    assert [(x.case, x.trial, x.response.body) for x in run.exchanges] == [
        ("b", 0, b"one"),
        ("b", 1, b"two"),
        ("test_chat.test_hello-gpt-4", 0, b"one"),
    ]
    assert [one.problems for one in verify_runs(place)] == [()]


def test_one_case_takes_the_interactions_of_all_files_in_order(place, tmp_path):
    files = [write(tmp_path / f"{n}.json", ("http://x/a", "1", f"{n}")) for n in (2, 1)]
    made = import_cassettes(place, files, replace(PLAIN, case="chat"))
    run = read_run(made.folder)
    assert [x.response.body for x in run.exchanges] == [b"2", b"1"]


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_any_cassette_imports_whole_or_leaves_nothing(place, path):
    try:
        made = import_cassettes(place, [path], PLAIN)
    except UsageError as error:
        assert str(error).startswith(f"{path}:")  # noqa: PT017 - either way is good
        assert everything_below(place.root) == {}
    else:
        assert len(read_run(made.folder).exchanges) == sum(made.interactions.values())


def test_one_bad_file_among_good_ones_imports_nothing_and_all_bad_ones_are_named(place, tmp_path):
    good = write(tmp_path / "good.json", ("http://x/a", "1", "one"))
    bad = [CORPUS / "ruby_vcr.yml", CORPUS / "truncated.json", tmp_path / "missing.yaml"]
    with pytest.raises(UsageError) as caught:
        import_cassettes(place, [good, *bad], PLAIN)
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [str(path) for path in bad]
    assert everything_below(place.root) == {}


def test_no_secret_reaches_the_disk(place, tmp_path, monkeypatch):
    own = "correct-horse-battery-staple"
    monkeypatch.setenv("SOME_API_KEY", own)
    files = [
        CORPUS / "httpx_chat.yaml",
        write(tmp_path / "b.json", (f"http://x/a?key={KEY}", own, f"{KEY} {own}")),
    ]
    made = import_cassettes(place, files, PLAIN)
    exported = export_run(made.folder, tmp_path / "out", style="yaml")
    for path in (*made.folder.iterdir(), *(file.path for file in exported)):
        assert KEY.encode() not in path.read_bytes()
        assert own.encode() not in path.read_bytes()
    for exchange in read_run(made.folder).exchanges:
        assert KEY not in repr(exchange)
        assert own not in repr(exchange)


def test_a_refused_write_leaves_nothing(place, tmp_path, monkeypatch):
    path = write(tmp_path / "a.json", ("http://x/a", "1", "one"), ("http://x/b", "1", "one"))
    monkeypatch.setattr(
        "contractcheck.workflows.runs_write.seal_run",
        lambda *_, **__: (_ for _ in ()).throw(RecordingError("the disk is full")),
    )
    with pytest.raises(RecordingError, match="the disk is full"):
        import_cassettes(place, [path], PLAIN)
    assert everything_below(place.root) == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"suite": "../x"}, "--suite '../x' is not an id"),
        ({"suite": "hello", "case": "a/b"}, "--case 'a/b' is not an id"),
        ({"suite": "hello", "case": ""}, "--case '' is not an id"),
    ],
)
def test_names_that_are_no_ids_are_refused(place, options, words):
    with pytest.raises(UsageError, match=words):
        import_cassettes(place, [CORPUS / "httpx_chat.yaml"], ImportOptions(**options))
    assert everything_below(place.root) == {}


def test_files_that_would_be_one_case_are_refused(place, tmp_path):
    (tmp_path / "sub").mkdir()
    files = [write(tmp_path / name, ("http://x/", "1", "a")) for name in ("A.json", "sub/a.json")]
    with pytest.raises(UsageError, match=r"A\.json and .*a\.json would be one case"):
        import_cassettes(place, files, PLAIN)


def test_long_names_stay_apart(place, tmp_path):
    files = [write(tmp_path / f"{'long-' * 20}{end}.json", ("http://x/", "1", "a")) for end in "ab"]
    made = import_cassettes(place, files, PLAIN)
    assert len(made.interactions) == 2
    assert all(len(case) <= 64 for case in made.interactions)


def test_the_target_is_known_by_address_and_model(place):
    made = import_cassettes(place, [CORPUS / "httpx_chat.yaml"], ImportOptions(suite="hello"))
    assert made.header.target.id == "openai:gpt-sim"
    with pytest.raises(UsageError, match=r"hosts example\.com; recognised: none.*give --target"):
        import_cassettes(place, [CORPUS / "sparse.json"], ImportOptions(suite="hello"))


def test_what_could_not_be_kept_is_told(place, tmp_path):
    path = write(tmp_path / "a.json", ("http://x/", "1", "a"))
    document = json.loads(path.read_text())
    document["interactions"][0]["response"]["headers"] = {"Content-Encoding": ["odd"]}
    path.write_text(json.dumps(document))
    (note,) = import_cassettes(place, [path], PLAIN).notes
    assert note.startswith("a, trial 0: not kept: ")


def test_an_imported_run_is_scored_but_never_timed_nor_accepted(project, tmp_path):
    recorded = project.record(1)
    files = [file.path for file in export_run(recorded, tmp_path / "out", style="yaml")]
    made = import_cassettes(project.workspace, files, PLAIN)
    table = observe(read_run(made.folder), project.suite()).table
    assert set(table["case"]) == {"greet", "part"}
    assert "latency" not in set(table["plane"])
    with pytest.raises(AcceptRefusedError) as caught:
        project.accept(made.folder)
    assert "asked other requests than the suite does now" in str(caught.value)
    assert project.judge(made.folder).verdict is Verdict.INCONCLUSIVE


def test_a_recorded_run_survives_export_and_import(project, tmp_path):
    recorded = project.record(1)
    files = [file.path for file in export_run(recorded, tmp_path / "out", style="yaml")]
    made = import_cassettes(project.workspace, files, PLAIN)

    def held(folder):
        return [
            (x.case, x.trial, x.attempt, x.request.digest, x.request.body, x.response.body)
            for x in read_run(folder).exchanges
        ]

    assert held(made.folder) == held(recorded)


def test_stock_vcrpy_replays_an_exported_run(project, tmp_path):
    recorded = project.record(1)
    player = vcr.VCR(record_mode="none", match_on=["method", "uri", "body"])
    for file in export_run(recorded, tmp_path / "out", style="yaml"):
        own = [x for x in read_run(recorded).exchanges if x.case == file.path.stem]
        with player.use_cassette(str(file.path)) as cassette, httpx2.Client() as client:
            headers = {"content-type": "application/json"}
            answers = [
                client.post(x.request.url, content=x.request.body, headers=headers) for x in own
            ]
            assert cassette.all_played
        assert [one.content for one in answers] == [x.response.body for x in own]
        assert len(own) == file.interactions == 3


def test_an_export_replaces_no_file(project, tmp_path):
    recorded = project.record(1)
    (tmp_path / "part.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"part\.yaml exists already"):
        export_run(recorded, tmp_path, style="yaml")
    assert not (tmp_path / "greet.yaml").exists()
    assert (tmp_path / "part.yaml").read_text() == "mine"


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.one_of(
        st.binary(max_size=100),
        st.sampled_from(sorted(CORPUS.iterdir())).flatmap(
            lambda path: st.integers(0, path.stat().st_size).map(
                lambda end: path.read_bytes()[:end]
            )
        ),
    )
)
def test_a_truncated_file_never_leaves_half_a_run(place, tmp_path, data):
    path = tmp_path / "cut.yaml"
    path.write_bytes(data)
    before = everything_below(place.root)
    try:
        import_cassettes(place, [path], PLAIN)
    except ContractcheckError:
        assert everything_below(place.root) == before


def test_the_order_of_questions_survives(tmp_path, place):
    uri = "https://api.example.com/v1/chat"
    questions = [json.dumps({"n": n}) for n in (7, 3, 9, 1, 8, 2)]
    write(tmp_path / "a.yaml", *((uri, question, f"to {question}") for question in questions))
    folder = import_cassettes(place, [tmp_path / "a.yaml"], PLAIN).folder
    export_run(folder, tmp_path / "out", style="json")
    (exported,) = (tmp_path / "out").iterdir()
    again = json.loads(exported.read_text())["interactions"]
    assert [one["request"]["body"] for one in again] == questions
