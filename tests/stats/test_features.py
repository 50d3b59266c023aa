import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.features import (
    TRAITS,
    first_word,
    hash_text,
    hash_tokens,
    text_traits,
)


def reference_hash(text, dimensions):
    """The definition, one n-gram at a time."""
    mask = 2**64 - 1
    data = b"\xfe" + text.encode("utf-8", "surrogatepass") + b"\xff"
    counts = {}
    for n in (2, 3, 4):
        for start in range(len(data) - n + 1):
            code = int.from_bytes(data[start : start + n], "little") | (n - 1) << 32
            counts[code] = counts.get(code, 0) + 1
    row = np.zeros(dimensions)
    for code, count in counts.items():
        mixed = (code + 0x9E3779B97F4A7C15) & mask
        mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & mask
        mixed ^= mixed >> 31
        row[mixed % dimensions] += (1 if mixed >> 63 else -1) * count**0.5
    return row / np.linalg.norm(row)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=5), st.sampled_from([16, 100, 512]))
def test_rows_follow_the_definition_whatever_stands_beside_them(texts, dimensions):
    rows = hash_text(texts, dimensions)
    assert rows.dtype == np.float32
    for text, row in zip(texts, rows, strict=True):
        expected = reference_hash(text, dimensions) if text else np.zeros(dimensions)
        assert row == pytest.approx(expected, abs=1e-6)


def test_empty_text_is_a_zero_row_and_others_have_norm_one():
    rows = hash_text(["", "a", "\u00e9\u4e2d", "\ud800", "a" * 5000])
    assert np.linalg.norm(rows, axis=1) == pytest.approx([0, 1, 1, 1, 1], abs=1e-6)
    assert hash_text([]).shape == (0, 512)


def test_single_characters_are_told_apart():
    rows = hash_text(["A", "B", "A"])
    assert rows[0] @ rows[2] == pytest.approx(1.0)
    assert rows[0] @ rows[1] < 0.5


def test_hash_is_the_same_in_another_process_with_another_hash_seed():
    code = "from contractcheck.stats.features import hash_text; print(hash_text(['same text']).tobytes().hex())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == hash_text(["same text"]).tobytes().hex()


def test_a_kilobyte_takes_about_a_millisecond_at_most():
    texts = [f"{i} some words of an answer, number {i * 17}; " * 25 for i in range(200)]
    size_kb = sum(map(len, texts)) / 1000
    hash_text(texts)
    start = time.process_time()
    hash_text(texts)
    assert (time.process_time() - start) * 1000 / size_kb <= 1.0  # measured 0.2


def test_traits_see_layout_length_and_refusals():
    plain, rich = text_traits(["yes", "I'm sorry, I cannot.\n- a\n- b\n1. c\n```x```\n**b**?"])
    moved = {name for name, a, b in zip(TRAITS, plain, rich, strict=True) if b > a}
    assert moved >= {
        "length",
        "words",
        "refusal",
        "bullets",
        "numbered",
        "fences",
        "questions",
        "bold",
    }
    assert text_traits([""])[0] == pytest.approx(np.zeros(len(TRAITS)))


def test_first_word_ignores_case_and_punctuation():
    assert [first_word(t) for t in ("**Sure**, ok", "sure", "", "...")] == ["sure", "sure", "", ""]


def test_dimensions_below_one_are_refused():
    with pytest.raises(UsageError, match="dimensions is 0"):
        hash_text(["a"], 0)


TOKENS = st.lists(st.sampled_from(["a", "b", "refund", "\u4e2d", "."]), max_size=12)


@settings(deadline=None, max_examples=50)
@given(TOKENS, TOKENS)
def test_token_products_count_the_positions_that_agree(left, right):
    most = 8
    rows = hash_tokens([" ".join(left), " ".join(right)], 2**16, most=most).astype(float)
    padded = [[*tokens[:most], *[None] * (most - len(tokens))] for tokens in (left, right)]
    agreed = sum(a == b for a, b in zip(*padded, strict=True))
    # Cells are so many that two tokens hardly ever share one.
    assert rows[0] @ rows[1] == pytest.approx(agreed / most, abs=1e-6)


def test_scripts_without_spaces_are_read_by_character():
    rows = hash_tokens(["\u9000\u6b3e\u4e86", "\u9000\u6b3e\u5417"], 2**16, most=3)
    assert rows[0] @ rows[1] == pytest.approx(2 / 3, abs=1e-6)


def test_tokens_beyond_the_last_position_are_not_looked_at():
    rows = hash_tokens(["a b c", "a b d"], most=2)
    assert np.array_equal(rows[0], rows[1])


def test_a_text_has_the_same_tokens_whatever_stands_beside_it():
    many = [f"answer {i} of many" for i in range(3000)]
    assert np.array_equal(hash_tokens(many)[2999], hash_tokens(many[2999:])[0])
    assert hash_tokens([]).shape == (0, 256)


def test_no_position_is_refused():
    with pytest.raises(UsageError, match="most is 0"):
        hash_tokens(["a"], most=0)


def test_traits_see_another_language():
    english, spanish = text_traits(
        ["the refund is on the way to you", "el reembolso est\u00e1 en camino para usted"]
    )
    column = TRAITS.index("english")
    assert english[column] > 0.5 > spanish[column]
    assert spanish[TRAITS.index("non_ascii")] > english[TRAITS.index("non_ascii")]


@pytest.mark.parametrize(
    ("text", "refuses"),
    [
        ("I'm sorry, no.", True),
        ("I\u2019m sorry", True),
        ("I AM SORRY", True),
        ("I apologise for that", True),
        ("I cannot do it", True),
        ("I can\u2019t", True),
        ("I am unable to", True),
        ("I won't", True),
        ("As an AI, no", True),
        ("As a language model", True),
        ("We are not able to assist", True),
        ("I can do it", False),
        ("He won the game", False),
        ("It was an ailing plan", False),
    ],
)
def test_refusals_are_known_by_their_words(text, refuses):
    assert bool(text_traits([text])[0, TRAITS.index("refusal")]) == refuses
