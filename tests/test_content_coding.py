import gzip
import subprocess
import sys
import zlib

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.content_coding import decode_available, decode_body, encode_body, split_coding
from contractcheck.errors import DamagedBodyError, DecodedTooLargeError, UnknownCodingError

CODINGS = ["identity", "gzip", "x-gzip", "deflate", "br", "zstd"]
STACKED = ["gzip, br", "zstd,gzip", "deflate, identity, zstd"]
COMPRESSED = ["gzip", "deflate", "br", "zstd"]


def raw_deflate(data):
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


@given(st.binary(max_size=5000), st.sampled_from(CODINGS + STACKED))
def test_what_was_encoded_is_decoded(data, coding):
    assert decode_body(encode_body(data, coding), coding) == data


@pytest.mark.parametrize(
    ("coding", "encode"),
    [
        ("gzip", gzip.compress),
        ("X-GZip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("br", brotli.compress),
        ("zstd", zstd.compress),
        ("GZIP, ZSTD", lambda data: zstd.compress(gzip.compress(data))),
    ],
)
@pytest.mark.parametrize("size_bytes", [0, 1, 65_535, 65_536, 65_537, 400_000])
def test_bodies_that_the_libraries_themselves_encoded_are_decoded(coding, encode, size_bytes):
    data = b"".join(b"%d," % number for number in range(600_000))[:size_bytes]
    assert decode_body(encode(data), coding) == data


def test_several_members_and_padding_are_one_body():
    members = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0" * 100
    assert decode_body(members, "gzip") == b"one two"
    assert decode_body(zstd.compress(b"one ") + zstd.compress(b"two"), "zstd") == b"one two"


def test_an_empty_body_is_empty_whatever_its_coding():
    assert {decode_body(b"", coding) for coding in COMPRESSED} == {b""}


@pytest.mark.parametrize("coding", ["compress", "gzip, dcb", "exi"])
def test_an_unknown_coding_is_refused_by_name(coding):
    with pytest.raises(UnknownCodingError, match="is not known"):
        decode_body(b"123", coding)
    with pytest.raises(UnknownCodingError, match="is not known"):
        encode_body(b"123", coding)


def test_without_its_library_brotli_is_unknown(monkeypatch):
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setitem(sys.modules, "brotlicffi", None)
    with pytest.raises(UnknownCodingError, match="install brotli"):
        split_coding("br")


@given(st.sampled_from(COMPRESSED), st.data())
def test_a_body_that_was_cut_off_says_so_and_keeps_its_beginning(coding, data):
    text = b"".join(b"%d, " % number for number in range(300))
    encoded = encode_body(text, coding)
    cut = data.draw(st.integers(1, len(encoded) - 1))
    with pytest.raises(DamagedBodyError, match="cut off"):
        decode_body(encoded[:cut], coding)
    available = decode_available(encoded[:cut], coding)
    assert not available.is_whole
    assert text.startswith(available.body)


@given(st.sampled_from(COMPRESSED), st.binary(min_size=1, max_size=300))
def test_arbitrary_bytes_are_decoded_or_named_damaged(coding, noise):
    try:
        assert len(decode_body(noise, coding)) <= 8 * 2**20
    except (DamagedBodyError, DecodedTooLargeError) as error:
        assert str(error)  # noqa: PT017 - either way of ending is right


@pytest.mark.parametrize("coding", [*COMPRESSED, "gzip, gzip", "zstd, br"])
def test_a_bomb_stops_at_the_bound(coding):
    bomb = encode_body(bytes(30_000_000), coding)
    assert len(bomb) < 100_000
    with pytest.raises(DecodedTooLargeError, match="decompression bomb"):
        decode_body(bomb, coding)


def test_the_ratio_is_asked_for_only_above_a_mebibyte():
    assert decode_body(encode_body(bytes(2**20), "gzip"), "gzip") == bytes(2**20)
    with pytest.raises(DecodedTooLargeError):
        decode_body(encode_body(bytes(2**20 + 1), "gzip"), "gzip")
    assert decode_body(encode_body(bytes(2**21), "gzip"), "gzip", max_ratio=2000) == bytes(2**21)


def test_a_zstd_frame_may_not_ask_for_a_huge_window():
    wide = {zstd.CompressionParameter.window_log: 27}
    compressor = zstd.ZstdCompressor(options=wide)
    frame = compressor.compress(b"abc") + compressor.flush()
    with pytest.raises(DamagedBodyError):
        decode_body(frame, "zstd")


BOMB = """
import gzip, resource
from contractcheck.content_coding import decode_body
from contractcheck.errors import DecodedTooLargeError
inner = gzip.compress(bytes(2**20)) * 586
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    decode_body(inner, "gzip", max_ratio=10**6)
except DecodedTooLargeError:
    print(len(inner), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_586_mebibytes_cost_no_more_memory_than_the_bound():
    shown = subprocess.run(
        [sys.executable, "-c", BOMB], capture_output=True, text=True, check=True
    ).stdout
    wire_bytes, grown_kib = map(int, shown.split())
    assert wire_bytes < 700_000
    assert grown_kib < 60_000
