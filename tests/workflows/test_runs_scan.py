"""Searching what others recorded: where and of what kind, never which."""

from __future__ import annotations

import gzip
import json
import os
import socket as socket_library
import sys
from contextlib import chdir, contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from contractcheck.errors import UsageError
from contractcheck.workflows.runs_scan import scan_paths

KEY = "sk-proj-Zq81nVtR5mPx0aLwKd93Bv7Yc2Xh"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "clean.yaml").write_text("body: hello\n")
    (tmp_path / "sub" / "leaky.yaml").write_text(f"one: 1\nbody: {KEY}\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "object").write_text(KEY)
    (tmp_path / "link.yaml").symlink_to(tmp_path / "sub" / "leaky.yaml")
    return tmp_path


def test_every_file_below_a_folder_is_searched_once(folder):
    found = scan_paths([folder], environment={})
    assert [(leak.file.name, leak.line) for leak in found.leaks] == [("leaky.yaml", 2)]
    assert found.files == 2
    assert KEY not in repr(found)


def test_a_file_is_searched_whatever_its_name(folder):
    (leak,) = scan_paths([folder / ".git" / "object"], environment={}).leaks
    assert leak.line == 1


def test_values_of_this_process_are_known(folder):
    path = folder / "own.txt"
    path.write_text("\n\nplain words, of a kind\n")
    assert scan_paths([path], environment={}).leaks == ()
    (leak,) = scan_paths([path], environment={"MY_SECRET": "of a kind"}).leaks
    assert leak.line == 3


def test_packed_files_are_searched_unpacked(folder):
    path = folder / "packed.jsonl.gz"
    path.write_bytes(gzip.compress(f"\n\n{KEY}\n".encode()))
    (leak,) = scan_paths([path], environment={}).leaks
    assert leak.line == 3


def test_runs_of_the_store_are_searched(project):
    assert scan_paths([project.record(1)], environment={}).leaks == ()


def line_in_parts(join, parts, **more):
    body = {"join": join, "parts": parts}
    return json.dumps({"res": "d", **more, "body": body}, separators=(",", ":"))


IN_PARTS = line_in_parts("fake-", ["my own ", "secret", "!"])
OTHERWISE = {
    "as written": IN_PARTS,
    "in another order": '{"body": {"parts": ["my own ", "secret"], "join": "fake-"}, "req": "d"}',
    "in one piece": json.dumps({"res": "d", "body": "my own fake-secret"}),
    "torn": IN_PARTS[:-5],
    "in a diff": f"+{IN_PARTS}",
    "behind a byte order mark": f"\ufeff{IN_PARTS}",
    "with another joint first": IN_PARTS.replace('{"res"', '{"joint":"x","res"'),
    "of events": json.dumps(
        {
            "res": "d",
            "body": "".join(f'data: {{"text":"{w}"}}\n\n' for w in ("own fake", "-secret")),
        }
    ),
}


@pytest.mark.parametrize("line", OTHERWISE.values(), ids=OTHERWISE)
def test_a_body_is_searched_as_a_whole_however_it_is_spelled(folder, line):
    path = folder / "run.jsonl"
    path.write_text(f"one\n\n{line}\n")
    assert scan_paths([path], environment={}).leaks == ()
    (leak,) = scan_paths([path], environment={"A_SECRET": "own fake-secret"}).leaks
    assert leak.line == 3


@pytest.mark.parametrize(
    "line",
    [
        '{"res":"KEY","res":"d","status":200,"body":{"join":"a","parts":["b","c"]}}',
        '{"res":"d","body":"KEY","x":1,"body":{"join":"a","parts":["b","c"]}}',
        '{"res":"d","body":{"join":"a","parts":["b","c"],"note":"KEY"}}',
        '{"res":"d","body":{"join":{"parts":1},"parts":["KEY"]}}',
        '{"res":"d","body":{"join":"a","parts":"KEY"}}',
    ],
)
def test_what_stands_beside_a_body_is_searched_too(folder, line):
    path = folder / "run.jsonl"
    path.write_text(line.replace("KEY", KEY) + "\n")
    (leak,) = scan_paths([path], environment={}).leaks
    assert leak.line == 1


def test_a_field_that_names_a_credential_is_found_across_parts(folder):
    path = folder / "run.jsonl"
    told = line_in_parts('", "api_key": "', ['{"a": "1', 'Zq81nVtR5mPx0aLw", "b": "2', 'none"}'])
    path.write_text(f"one\n{told}\nthree\n")
    assert {leak.line for leak in scan_paths([path], environment={}).leaks} == {2}


def test_a_torn_line_spells_no_more_than_is_searched(folder):
    """Three hundred kilobytes, of which a joint of a hundred would make seven gigabytes."""
    path = folder / "run.jsonl"
    path.write_text(line_in_parts("x" * 100_000, [""] * 70_000)[:-3] + f"\n{KEY}\n")
    found = scan_paths([path], environment={})
    assert "not searched from line 1 on" in found.unread[0]
    assert [leak.line for leak in found.leaks] == [2]


def test_bodies_that_are_larger_than_what_is_searched_are_said(folder, monkeypatch):
    monkeypatch.setattr("contractcheck.workflows.runs_scan.MAX_BYTES", 20_000)
    path = folder / "run.jsonl"
    lines = [line_in_parts("x" * 300, [""] * 30)] * 2
    path.write_text("\n".join([KEY, *lines]))
    assert scan_paths([path], environment={}).unread == ()
    path.write_text("\n".join([KEY, *lines, lines[0]]))
    found = scan_paths([path], environment={})
    assert found.unread == (
        f"{path}: its bodies are larger than 20000 bytes; not searched from line 4 on",
    )
    assert [leak.line for leak in found.leaks] == [1]


def test_what_could_not_be_searched_is_said(folder):
    path = folder / "broken.gz"
    path.write_bytes(b"\x1f\x8b not gzip")
    found = scan_paths([path, folder / "clean.yaml"], environment={})
    assert found.files == 1
    assert str(path) in found.unread[0]


def test_what_is_no_file_is_not_waited_for(folder):
    """Nobody writes to the pipe, so whoever opened it would wait for ever."""
    pipe = folder / "pipe.yaml"
    os.mkfifo(pipe)
    socket = folder / "socket"
    with _listening(socket):
        found = scan_paths([pipe, socket, Path(os.devnull)], environment={})
    assert found.files == 0
    assert [words.partition(": is a pipe, socket or device")[0] for words in found.unread] == [
        str(pipe),
        str(socket),
        os.devnull,
    ]


@contextmanager
def _listening(path):
    # A socket's path may have some hundred characters; a temporary folder has more at times.
    with socket_library.socket(socket_library.AF_UNIX) as listener, chdir(path.parent):
        listener.bind(path.name)
        yield


def test_detect_secrets_is_asked_for_before_anything_is_searched(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "detect_secrets", None)
    with pytest.raises(UsageError, match="needs the detect-secrets package"):
        scan_paths([folder], environment={}, detect_secrets=True)


def test_detect_secrets_is_asked_without_its_entropy_plugins(folder, monkeypatch):
    """A stand-in with the three functions that are used of 1.5."""
    used = []

    @contextmanager
    def transient_settings(config):
        used.extend(plugin["name"] for plugin in config["plugins_used"])
        yield

    def scan_file(filename):
        yield SimpleNamespace(line_number=7, type="Odd Token", secret_value=KEY)

    names = ["AWSKeyDetector", "Base64HighEntropyString", "HexHighEntropyString"]
    classes = {name: type(name, (), {}) for name in names}
    functions = {
        "detect_secrets.settings": {"transient_settings": transient_settings},
        "detect_secrets.core.scan": {"scan_file": scan_file},
        "detect_secrets.core.plugins.util": {
            "get_mapping_from_secret_type_to_class": lambda: classes
        },
    }
    for name in (
        "detect_secrets",
        "detect_secrets.core",
        "detect_secrets.core.plugins",
        *functions,
    ):
        module = ModuleType(name)
        vars(module).update(functions.get(name, {}))
        monkeypatch.setitem(sys.modules, name, module)
    path = folder / "clean.yaml"
    found = scan_paths([path], environment={}, detect_secrets=True)
    assert used == ["AWSKeyDetector"]
    assert [(leak.line, leak.kind) for leak in found.leaks] == [
        (7, "Odd Token, says detect-secrets")
    ]
    assert KEY not in repr(found)
