"""The text the language model learns from: our own prose, shipped in ``corpus/``.

Alternatives in a sentence stand as ``[warm|cold]``. Each sentence is unfolded
into several variants at load time, which is what gives the model its branches.
"""

from __future__ import annotations

import re
from importlib.resources import files

_ALTERNATIVES = re.compile(r"\[([^\]]+)\]")
_SENTENCE = re.compile(r"(?<=[.?!])\s+")
_TOKEN = re.compile(r"\d+(?:\.\d+)?|\w+(?:['\u2019-]\w+)*|[^\w\s]")
VARIANTS = 12
"""Variants per sentence with alternatives; enough to use every word of every bracket."""


def split_tokens(text: str) -> list[str]:
    """Split text into words, numbers and single punctuation marks."""
    return _TOKEN.findall(text)


def load_topics() -> dict[str, list[list[str]]]:
    """Return, for each topic, its sentences as lists of tokens."""
    folder = files(__package__).joinpath("corpus")
    topics = sorted(item.name for item in folder.iterdir() if item.name.endswith(".txt"))
    return {
        name.removesuffix(".txt"): [
            split_tokens(variant)
            for sentence in _SENTENCE.split(folder.joinpath(name).read_text("utf-8").strip())
            for variant in unfold(sentence)
        ]
        for name in topics
    }


def unfold(sentence: str) -> list[str]:
    """Write out the alternatives of one sentence.

    Variant k takes option (k + k // n + j) mod n of the j-th bracket with n
    options: all options are used, and brackets do not move in step.
    """
    parts = _ALTERNATIVES.split(sentence)
    count = VARIANTS if len(parts) > 1 else 1
    return [
        "".join(part if i % 2 == 0 else _choose(part, k, i // 2) for i, part in enumerate(parts))
        for k in range(count)
    ]


def _choose(bracket: str, k: int, j: int) -> str:
    options = bracket.split("|")
    return options[(k + k // len(options) + j) % len(options)]
