"""Pictures that cases show, and targets that say where they are."""

from __future__ import annotations

import struct
import zlib

import pytest

from contractcheck.model.suite import Parameters

BASE = """\
suite: mail
version: 1.0.0
targets: [{target}]
cases:
  - id: a
    messages: [{{role: user, content: hi{more}}}]
"""
PLAIN = "{target: openai:m}"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(b"\0\x7f"))
    + chunk(b"IEND", b"")
)
PICTURES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0rest",
    "image/gif": b"GIF89a rest",
    "image/webp": b"RIFF\x0a\x00\x00\x00WEBPVP8 ",
}


def write(target=PLAIN, more=""):
    return BASE.format(target=target, more=more)


@pytest.mark.parametrize("media_type", PICTURES)
def test_a_picture_is_known_by_its_bytes(folder, media_type):
    (folder.path / "cat.bin").write_bytes(PICTURES[media_type])
    (case,) = folder.load(write(more=", images: [cat.bin]")).cases
    (image,) = case.messages[0].images
    assert (image.name, image.media_type, image.data) == (
        "cat.bin",
        media_type,
        PICTURES[media_type],
    )


def test_another_picture_is_another_request_and_another_name_is_not(folder):
    for name, data in (("a.png", PNG), ("b.png", PNG), ("c.png", PNG + b"\0")):
        (folder.path / name).write_bytes(data)
    plain = folder.load(write()).cases[0].request_fingerprint
    prints = {
        name: folder.load(write(more=f", images: [{name}]")).cases[0].request_fingerprint
        for name in ("a.png", "b.png", "c.png")
    }
    assert prints["a.png"] == prints["b.png"]
    assert len({plain, *prints.values()}) == 3


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("cat.png", b"<svg onload=alert(1)>", "'cat.png' is no PNG, JPEG, GIF or WebP picture"),
        ("cat.png", None, "'cat.png': No such file or directory"),
        (
            "../cat.png",
            PNG,
            "'../cat.png' leaves the suite's folder; only files inside it are read",
        ),
        (
            "cat.png",
            PNG + b"\0" * (4 << 20),
            f"'cat.png' holds {len(PNG) + (4 << 20)} bytes; at most 4194304 (4 MiB) are read",
        ),
    ],
)
def test_what_is_no_picture_is_refused(folder, name, data, what):
    if data is not None:
        (folder.path / "cat.png").write_bytes(data)
    where = "mail.contract.yaml:6: cases[0].messages[0].images[0]: "
    assert folder.errors(write(more=f", images: [{name}]")) == [where + what]


def test_only_users_show_pictures(folder):
    (folder.path / "cat.png").write_bytes(PNG)
    text = write(more="}, {role: assistant, content: yes, images: [cat.png]")
    assert folder.errors(text) == [
        (
            "mail.contract.yaml:6: cases[0].messages[1].images: only a message of the user shows "
            "pictures"
        )
    ]


def test_a_target_says_where_it_is(folder):
    place = "region: eu-central-1, api_version: 2024-10-21-preview, project: team-7"
    (target,) = folder.load(write("{target: openai:m, %s}" % place)).targets  # noqa: UP031 - braces
    assert (target.region, target.api_version, target.project) == (
        "eu-central-1",
        "2024-10-21-preview",
        "team-7",
    )


@pytest.mark.parametrize("key", ["region", "api_version", "project"])
@pytest.mark.parametrize("value", ["evil.example/x", "a@b", "A B", "", "x/../y", "-", "a" * 65])
def test_a_place_cannot_lead_elsewhere(folder, key, value):
    (problem,) = folder.errors(write(f"{{target: openai:m, {key}: '{value}'}}"))
    assert problem.startswith(f"mail.contract.yaml:3: targets[0]: {key}: expected ")


@pytest.mark.parametrize(
    ("written", "name", "value"),
    [
        ("top_logprobs: 5", "top_logprobs", 5),
        ("reasoning_effort: low", "reasoning_effort", "low"),
        ("stream: false", "stream", False),
    ],
)
def test_new_parameters_make_another_request_and_their_absence_the_old_one(
    folder, written, name, value
):
    plain = folder.load(write()).cases[0]
    asked = folder.load(write() + f"    {written}\n").cases[0]
    spelt_out = folder.load(write() + "    stream: true\n").cases[0]
    assert plain.parameters == Parameters()
    assert getattr(asked.parameters, name) == value
    assert asked.request_fingerprint != plain.request_fingerprint
    assert spelt_out.request_fingerprint == plain.request_fingerprint
