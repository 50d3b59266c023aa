"""What a text looks like to a statistic: hashed n-grams, and a few plain traits."""

from __future__ import annotations

import itertools
import math
import re
import zlib
from typing import TYPE_CHECKING, Final

import numpy as np

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Bytes that no UTF-8 text holds mark both ends, so that a text's first and last characters count
# and one-character texts have n-grams.
_START, _END = b"\xfe", b"\xff"
# Small enough that the n-grams of a chunk are sorted inside the processor's cache.
_CHUNK_BYTES = 2**13
_CHUNK_TEXTS = 2**8  # the number of a text in its chunk is one byte
_TEXT_BITS = 34  # an n-gram takes 32 bits and its length two; the rest is the text's number

_REFUSAL = re.compile(
    r"\b(?:i(?:'|\u2019)?m sorry|i am sorry|i apologi[sz]e"
    r"|i can(?:no|(?:'|\u2019))t|i am unable|i(?:'|\u2019)m unable|i won(?:'|\u2019)t"
    r"|as an ai|as a language model|not able to (?:help|assist|provide))\b"
)
# Every refusal holds one of these, and finding them is many times faster.
_REFUSAL_CUES = (
    "sorry",
    "apolog",
    "i can",
    "unable",
    "i won",
    "as an ai",
    "as a language model",
    "not able to",
)
_PATTERNS: Final = {
    "bullets": re.compile(r"^\s*[-*\u2022]\s", re.MULTILINE),
    "numbered": re.compile(r"^\s*\d+[.)]\s", re.MULTILINE),
    "headings": re.compile(r"^#{1,6}\s", re.MULTILINE),
}
_COUNTED: Final = {
    "fences": "```",
    "bold": "**",
    "breaks": "\n",
    "questions": "?",
    "exclamations": "!",
    "commas": ",",
}
_ENGLISH: Final = frozenset(
    ("the", "of", "and", "to", "a", "in", "is", "it", "you", "that", "for", "on", "with", "as")
)
_TOKEN = re.compile(r"[^\W\u2e80-\U0010ffff]+|\S")
TRAITS: Final = (
    "length",
    "words",
    "refusal",
    "digits",
    *_PATTERNS,
    *_COUNTED,
    "english",
    "non_ascii",
    "capital_start",
)
"""Names of the columns of ``text_traits``."""


def hash_text(texts: Sequence[str], dimensions: int = 512) -> NDArray[np.float32]:
    """Turn texts into unit vectors of their character n-grams, n = 2, 3, 4.

    Square roots of the counts (so that the dot product is the Bhattacharyya affinity of two
    texts' n-grams) are hashed with a sign (Weinberger et al., Feature Hashing, ICML 2009). The
    n-grams are over UTF-8 bytes: characters, for ASCII. The hash is splitmix64 (Steele, Lea and
    Flood, OOPSLA 2014), the same in every process.

    Args:
        texts: Texts of any length and script.
        dimensions: Number of hash cells D, at least 1.

    Returns:
        (N, D) rows of norm 1; an empty text is a row of zeros.

    Raises:
        UsageError: ``dimensions`` is below 1.
    """
    if dimensions < 1:
        raise UsageError(f"dimensions is {dimensions}; need at least 1 (512 is usual)")
    rows = np.zeros((len(texts), dimensions), dtype=np.float32)
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    start = 0
    while start < len(texts):
        stop, size = start, 0
        while (
            stop < len(texts)
            and stop - start < _CHUNK_TEXTS
            and (stop == start or size + len(encoded[stop]) < _CHUNK_BYTES)
        ):
            size += len(encoded[stop])
            stop += 1
        rows[start:stop] = _hash_chunk(encoded[start:stop], dimensions)
        start = stop
    return rows


def hash_tokens(
    texts: Sequence[str], dimensions: int = 256, *, most: int = 64
) -> NDArray[np.float32]:
    """Turn texts into vectors whose dot product counts the positions with equal tokens.

    The Hamming kernel of sequences (Gao, Liang and Guestrin, Model Equality Testing, ICLR 2025,
    arXiv 2410.20247) in hashed form: token i of a text adds a sign at the cell of (i, token), so
    that two texts' expected product is the share of the first ``most`` positions at which they
    agree. It sees the first token and everything that hangs on a position, which n-grams do not;
    an end is a token of its own at every position after it. Tokens are words, and each other
    character that is not a space; in scripts that write no spaces, each character.

    Args:
        texts: Texts of any length and script.
        dimensions: Number of hash cells D, at least 1.
        most: Number of positions that are looked at, at least 1.

    Returns:
        (N, D) rows of squared norm near 1, whatever the texts' length.

    Raises:
        UsageError: ``dimensions`` or ``most`` is below 1.
    """
    if dimensions < 1 or most < 1:
        raise UsageError(f"dimensions is {dimensions} and most is {most}; need at least 1 each")
    rows = np.zeros((len(texts), dimensions), dtype=np.float32)
    positions = np.arange(most, dtype=np.uint64) << np.uint64(32)
    step = max(1, _CHUNK_BYTES // most)
    for start in range(0, len(texts), step):
        chunk = texts[start : start + step]
        codes = np.zeros((len(chunk), most), dtype=np.uint64)
        for place, text in enumerate(chunk):
            tokens = [
                zlib.crc32(found.group().encode("utf-8", "surrogatepass"))
                for found in itertools.islice(_TOKEN.finditer(text), most)
            ]
            codes[place, : len(tokens)] = tokens
        mixed = _splitmix64(codes | positions)
        signs = np.where(mixed >> np.uint64(63), 1.0, -1.0)
        cells = (mixed % np.uint64(dimensions)).astype(np.intp)
        cells += dimensions * np.arange(len(chunk))[:, None]
        flat = np.bincount(cells.ravel(), signs.ravel(), minlength=len(chunk) * dimensions)
        rows[start : start + step] = flat.reshape(len(chunk), dimensions) / math.sqrt(most)
    return rows


def text_traits(texts: Sequence[str]) -> NDArray[np.float64]:
    """Count the surface traits that providers' changes move most often.

    Columns are named by ``TRAITS``: length in characters and words; refusals and apologies;
    layout (bullets, numbered lists, headings, code fences, bold, line breaks); punctuation and
    digits; language (share of words that are frequent English ones, share of characters beyond
    ASCII). Counts enter as log(1 + count), shares as they are. First words are compared apart.
    Measured on recorded version changes, such traits find what n-grams miss (length and layout),
    and the reverse.

    Args:
        texts: Texts of any length and script.

    Returns:
        (N, len(TRAITS)), not standardised.
    """
    rows = np.empty((len(texts), len(TRAITS)))
    for row, text in zip(rows, texts, strict=True):
        characters = max(len(text), 1)
        foreign = 0 if text.isascii() else sum(character > "\x7f" for character in text)
        lower = text.lower()
        words = lower.split()
        refusals = _REFUSAL.findall(lower) if any(cue in lower for cue in _REFUSAL_CUES) else ()
        n_digits = sum(map(text.count, "0123456789"))
        english = sum(word in _ENGLISH for word in words) / max(len(words), 1)
        found = (sum(1 for _ in pattern.finditer(text)) for pattern in _PATTERNS.values())
        counted = (text.count(mark) for mark in _COUNTED.values())
        sizes = (len(text), len(words), len(refusals), n_digits)
        counts = np.log1p([*sizes, *found, *counted])
        row[:] = [*counts, english, foreign / characters, text[:1].isupper()]
    return rows


def first_word(text: str) -> str:
    """The first word in lower case without punctuation, empty if there is none."""
    match = re.search(r"\w+", text[:200])
    return match.group().lower() if match else ""


def _hash_chunk(encoded: Sequence[bytes], dimensions: int) -> NDArray[np.float32]:
    kept = [(place, _START + text + _END) for place, text in enumerate(encoded) if text]
    if not kept:
        return np.zeros((len(encoded), dimensions), dtype=np.float32)
    lengths = np.asarray([len(text) for _, text in kept])
    owners = np.repeat(np.asarray([place for place, _ in kept], dtype=np.uint64), lengths)
    codes = np.frombuffer(b"".join(text for _, text in kept), dtype=np.uint8).astype(np.uint64)
    found, repeats = [], []
    gram = codes
    for n in (2, 3, 4):
        gram = gram[:-1] | (codes[n - 1 :] << np.uint64(8 * (n - 1)))
        inside = owners[n - 1 :] == owners[: owners.size - n + 1]
        grams, counts = _distinct(gram[inside], owners[n - 1 :][inside], n)
        found.append(grams)
        repeats.append(counts)
    unique = np.concatenate(found)
    texts = (unique >> np.uint64(_TEXT_BITS)).astype(np.intp)
    mixed = _splitmix64(unique & np.uint64(2**_TEXT_BITS - 1))
    signs = np.where(mixed >> np.uint64(63), 1.0, -1.0)
    cells = texts * dimensions + (mixed % np.uint64(dimensions)).astype(np.intp)
    size = len(encoded) * dimensions
    flat = np.bincount(cells, weights=signs * np.sqrt(np.concatenate(repeats)), minlength=size)
    rows = flat.reshape(len(encoded), dimensions)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (rows / np.where(norms > 0, norms, 1.0)).astype(np.float32)
    return unit


def _distinct(
    grams: NDArray[np.uint64], owners: NDArray[np.uint64], n: int
) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Distinct n-grams of each text, with their text and length above them; and their counts."""
    width = np.uint64(8 * n)
    keys = (owners << width) | grams
    # Two or three bytes of text and one of its number sort in half the time of eight.
    is_narrow = n < 4  # noqa: PLR2004 - four bytes of text leave no room in 32 bits
    unique, counts = np.unique(keys.astype(np.uint32) if is_narrow else keys, return_counts=True)
    wide = unique.astype(np.uint64)
    tag = ((wide >> width) << np.uint64(_TEXT_BITS)) | np.uint64((n - 1) << 32)
    return tag | (wide & ((np.uint64(1) << width) - np.uint64(1))), counts


def _splitmix64(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    # Array arithmetic on uint64 wraps modulo 2**64 without a warning, as the hash wants.
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
