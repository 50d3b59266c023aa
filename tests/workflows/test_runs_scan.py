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


def line_in_parts(join, parts):
    body = {"join": join, "parts": parts}
    return json.dumps({"res": "d", "body": body}, separators=(",", ":"))


def test_a_body_that_is_kept_in_parts_is_searched_as_a_whole(folder):
    path = folder / "run.jsonl"
    told = line_in_parts('", "api_key": "', ['{"a": "1', 'Zq81nVtR5mPx0aLw", "b": "2', 'none"}'])
    path.write_text(f"one\n{told}\nthree\n")
    (leak,) = scan_paths([path], environment={}).leaks
    assert leak.line == 2
    cut = line_in_parts("fake-", ["my own ", "secret", "!"])
    path.write_text(f"one\n\n{cut}\n")
    assert scan_paths([path], environment={}).leaks == ()
    (leak,) = scan_paths([path], environment={"A_SECRET": "own fake-secret"}).leaks
    assert leak.line == 3


def test_parts_that_spell_more_than_can_be_held_are_said(folder, monkeypatch):
    monkeypatch.setattr("contractcheck.workflows.runs_scan.MAX_BYTES", 10_000)
    path = folder / "run.jsonl"
    path.write_text(line_in_parts("x" * 300, [""] * 30) + "\n")
    assert scan_paths([path], environment={}).unread == ()
    path.write_text(line_in_parts("x" * 300, [""] * 40) + "\n")
    (unread,) = scan_paths([path], environment={}).unread
    assert unread == f"{path}: larger than 10000 bytes when it is written out"


def test_what_only_looks_like_parts_is_searched_as_it_is(folder):
    path = folder / "run.jsonl"
    for odd in ('{"parts":1}', '["a"]', '"x"'):
        path.write_text('{"res":"d","body":{"join":' + odd + ',"parts":["' + KEY + '"]}}\n')
        (leak,) = scan_paths([path], environment={}).leaks
        assert leak.line == 1


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
