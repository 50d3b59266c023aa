"""A trigram language model with back-off, trained on the shipped corpus.

Counts are kept per topic (one topic per corpus file), so that a prompt can tilt
the mixture: a question about refunds is answered mostly from the billing text.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from contractcheck.simulator.passages import load_topics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

START = 0
"""Stands before the first word of a sentence."""

SENTENCE_ENDS = frozenset(".?!")
BIGRAM_SHARE = 0.08
"""Weight of the two-word context when the three-word context is known
(linear interpolation, Jelinek & Mercer 1980)."""

_MAX_BIGRAM_OPTIONS = 24

Counts = dict[int, list[float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageModel:
    """Tables of what follows what.

    Attributes:
        topics: Names of the topics, in the order of every count list.
        words: Token id to text; id 0 is the start mark.
        lower_words: The same in lower case.
        topic_words: For each topic, its lower-case words of four letters or more.
        trigrams: (before last, last) to next token to count per topic.
        bigrams: Last to next token to count per topic, the commonest only.
    """

    topics: tuple[str, ...]
    words: tuple[str, ...]
    lower_words: tuple[str, ...]
    topic_words: tuple[frozenset[str], ...]
    trigrams: Mapping[tuple[int, int], Counts]
    bigrams: Mapping[int, Counts]

    def follow(self, before: int, last: int, mix: Sequence[float]) -> tuple[list[int], list[float]]:
        """Return candidate next tokens and their logits.

        Args:
            before: Token id before the last one.
            last: Last token id.
            mix: Weight > 0 per topic.
        """
        shares: dict[int, float] = {}
        known = self.trigrams.get((before, last), {})
        _add_shares(shares, known, mix, 1.0 - BIGRAM_SHARE)
        _add_shares(shares, self.bigrams[last], mix, BIGRAM_SHARE if known else 1.0)
        return list(shares), [math.log(share) for share in shares.values()]


def _add_shares(shares: dict[int, float], table: Counts, mix: Sequence[float], by: float) -> None:
    weights = {token: sum(map(float.__mul__, counts, mix)) for token, counts in table.items()}
    total = sum(weights.values())
    for token, weight in weights.items():
        shares[token] = shares.get(token, 0.0) + by * weight / total


@lru_cache(maxsize=1)
def load_language_model() -> LanguageModel:
    """Train on the shipped corpus (about 0.1 s, once per process)."""
    return train(load_topics())


def train(topics: Mapping[str, Sequence[Sequence[str]]]) -> LanguageModel:
    """Count the trigrams and bigrams of tokenised sentences, per topic."""
    ids: dict[str, int] = {"": START}
    size = len(topics)
    trigrams: dict[tuple[int, int], Counts] = defaultdict(dict)
    bigrams: dict[int, Counts] = defaultdict(dict)
    for t, sentences in enumerate(topics.values()):
        for sentence in sentences:
            before, last = START, START
            for word in sentence:
                token = ids.setdefault(word, len(ids))
                for table in (trigrams[before, last], bigrams[last]):
                    table.setdefault(token, [0.0] * size)[t] += 1.0
                before, last = last, token
    return LanguageModel(
        topics=tuple(topics),
        words=tuple(ids),
        lower_words=tuple(word.lower() for word in ids),
        topic_words=tuple(_content_words(sentences) for sentences in topics.values()),
        trigrams=dict(trigrams),
        bigrams={last: _commonest(table) for last, table in bigrams.items()},
    )


def _commonest(table: Counts) -> Counts:
    ranked = sorted(table.items(), key=lambda item: -sum(item[1]))
    return dict(ranked[:_MAX_BIGRAM_OPTIONS])


def _content_words(sentences: Sequence[Sequence[str]]) -> frozenset[str]:
    shortest = 4
    return frozenset(
        word.lower() for sentence in sentences for word in sentence if len(word) >= shortest
    )
