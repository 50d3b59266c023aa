"""What one prompt always prefers, whatever the night and the temperature."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from contractcheck.simulator.distribution import normalise
from contractcheck.simulator.keyed import keyed_integer, keyed_normal, keyed_normals
from contractcheck.simulator.language_model import START, LanguageModel, load_language_model
from contractcheck.simulator.prompt import Prompt, read_prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

WORD_SD = 0.9
"""Standard deviation of the stable preference that each prompt has for each word."""

OPENING_SD = 1.0
"""The same for the first word of an answer, beside `WORD_SD`."""

OPTION_SD = 0.8
"""The same for decisions (labels, numbers, tools): skewed, rarely one-sided."""

TOPIC_SD = 1.0
"""The same for topics."""

PROMPT_WORD_BOOST = 1.0
"""Added to the logit of words that stand in the prompt."""

TOPIC_BOOST = 1.3
"""Added to the log weight of a topic per prompt word that occurs in it."""

END_CHANCE = 0.35
"""Typical chance that an answer ends after a sentence."""

END_SD = 0.5
"""Standard deviation of the preference for ending, on the logit scale."""

END = -1
"""Token id of the end of an answer; stands last among the options."""

NEXT_SENTENCE = "next sentence"
_LEAST_TOPIC_SHARE = 1e-3


class State(NamedTuple):
    """What the next token depends on.

    Attributes:
        before: Token id before the last one.
        last: Last token id; `START` opens a sentence.
        opening: What is opened, when ``last`` is `START`: the whole answer (empty),
            `NEXT_SENTENCE`, or a named place.
    """

    before: int
    last: int
    opening: str


class Step(NamedTuple):
    """What may follow a state: token ids, their logits, and how they are spelt."""

    ids: list[int]
    logits: list[float]
    texts: list[str]


class Taste:
    """Logits of everything that can be decided while answering one prompt.

    Args:
        model: The tables.
        prompt: What is answered.
        model_name: Other models have other tastes.
    """

    def __init__(self, model: LanguageModel, *, prompt: Prompt, model_name: str) -> None:
        self.model = model
        self.prompt = prompt
        # A digest, because the key is hashed again for every decision.
        self.key = f"{keyed_integer(model_name, prompt.text):x}"
        self._mix = self._mix_topics()
        self._bias = self._bias_words()
        self._steps: dict[State, Step] = {}
        self._decisions: dict[tuple[str, tuple[str, ...]], list[float]] = {}

    def decide(self, place: str, options: tuple[str, ...], lean: Sequence[float]) -> list[float]:
        """Return the logits of one decision: ``lean`` and what the prompt prefers here."""
        known = self._decisions.get((place, options))
        if known is None:
            known = self._decisions[place, options] = [
                base + OPTION_SD * keyed_normal("taste", self.key, place, option)
                for option, base in zip(options, lean, strict=True)
            ]
        return known

    def step(self, state: State) -> Step:
        """Return what may follow ``state``; never empty."""
        known = self._steps.get(state)
        if known is None:
            known = self._steps[state] = self._make_step(state)
        return known

    def _make_step(self, state: State) -> Step:
        ids, logits = self.model.follow(state.before, state.last, self._mix)
        logits = [logit + self._bias[i] for i, logit in zip(ids, logits, strict=True)]
        opens = state.last == START and state.opening != NEXT_SENTENCE
        texts = [self._spell(i, opens=opens) for i in ids]
        if opens:
            likes = keyed_normals(len(ids), "opening", self.key, state.opening)
            logits = [logit + OPENING_SD * z for logit, z in zip(logits, likes, strict=True)]
        elif state.last == START:
            end = math.log(END_CHANCE / (1.0 - END_CHANCE)) + END_SD * keyed_normal("end", self.key)
            return Step([*ids, END], [*normalise(logits), end], [*texts, "<|end|>"])
        return Step(ids, logits, texts)

    def _spell(self, token: int, *, opens: bool) -> str:
        word = self.model.words[token]
        return word if opens or not word[0].isalnum() else f" {word}"

    def _mix_topics(self) -> list[float]:
        scores = [
            TOPIC_BOOST * len(self.prompt.words & words)
            + TOPIC_SD * keyed_normal("topic", self.key, topic)
            for topic, words in zip(self.model.topics, self.model.topic_words, strict=True)
        ]
        # Bounded below, so that every continuation keeps some chance.
        return [max(math.exp(share), _LEAST_TOPIC_SHARE) for share in normalise(scores)]

    def _bias_words(self) -> list[float]:
        words = self.model.lower_words
        likes = keyed_normals(len(words), "words", self.key)
        return [
            WORD_SD * z + (PROMPT_WORD_BOOST if word in self.prompt.words else 0.0)
            for word, z in zip(words, likes, strict=True)
        ]


@lru_cache(maxsize=1024)
def find_taste(prompt_text: str, model_name: str) -> Taste:
    """Return the taste of a prompt; a pure function, kept over nights."""
    return Taste(load_language_model(), prompt=read_prompt(prompt_text), model_name=model_name)
