"""The language model as one prompt hears it, on one night, at one temperature."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from contractcheck.simulator.distribution import Distribution, Token, make_distribution, normalise
from contractcheck.simulator.keyed import keyed_integer, keyed_normal, keyed_normals
from contractcheck.simulator.language_model import (
    SENTENCE_ENDS,
    START,
    LanguageModel,
    load_language_model,
)
from contractcheck.simulator.prompt import Prompt, read_prompt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from contractcheck.simulator.nights import NightEffect

TASTE_SD = 0.9
"""Standard deviation of the stable preference that each prompt has for each word."""

OPTION_TASTE_SD = 0.8
"""The same for decisions (labels, numbers, tools): skewed, rarely one-sided."""

TOPIC_TASTE_SD = 1.0
"""The same for topics."""

PROMPT_WORD_BOOST = 1.0
"""Added to the logit of words that stand in the prompt."""

TOPIC_BOOST = 1.3
"""Added to the log weight of a topic per prompt word that occurs in it."""

END_CHANCE = 0.35
"""Chance that an answer ends after a sentence, before taste and night."""

_END = -1
_NEXT_SENTENCE = "next sentence"


class State(NamedTuple):
    """What the next token depends on.

    Attributes:
        before: Token id before the last one.
        last: Last token id; `START` opens a sentence.
        opening: What is opened, when ``last`` is `START`: the whole answer (empty),
            a further sentence, or a named place.
    """

    before: int
    last: int
    opening: str


class Voice:
    """Distributions of everything that can be decided while answering one prompt.

    Args:
        model: The tables.
        prompt: What is answered.
        model_name: Other models have other tastes.
        night: Noise of the night.
        temperature: >= 0.
        top_p: In (0, 1].
    """

    def __init__(
        self,
        model: LanguageModel,
        *,
        prompt: Prompt,
        model_name: str,
        night: NightEffect,
        temperature: float,
        top_p: float,
    ) -> None:
        self.prompt = prompt
        self._model = model
        self._night = night
        self._temperature = temperature
        self._top_p = top_p
        # A digest, because the key is hashed again for every decision.
        self._key = f"{keyed_integer(model_name, prompt.text):x}"
        self._mix = self._mix_topics()
        self._bias = self._bias_words()
        self._steps: dict[State, tuple[list[int], Distribution]] = {}
        self._decisions: dict[tuple[str, tuple[str, ...]], Distribution] = {}

    def decide(self, place: str, options: Sequence[str], lean: Sequence[float]) -> Distribution:
        """Return the distribution of one decision.

        Args:
            place: Names the decision; decisions at the same place share their taste.
            options: At least one text.
            lean: Logit of each option before taste and night.
        """
        cache_key = (place, tuple(options))
        known = self._decisions.get(cache_key)
        if known is None:
            logits = [
                base
                + OPTION_TASTE_SD * keyed_normal("taste", self._key, place, option)
                + self._noise(place, option)
                for option, base in zip(options, lean, strict=True)
            ]
            known = make_distribution(
                options, logits, temperature=self._temperature, top_p=self._top_p
            )
            self._decisions[cache_key] = known
        return known

    def speak(
        self, random: Random, *, max_tokens: int, sentence_at: str | None = None
    ) -> list[Token]:
        """Sample prose: at least one sentence, or ``max_tokens`` tokens.

        Args:
            random: Draws every token.
            max_tokens: >= 1.
            sentence_at: Write a single sentence, with the taste of this place.
        """
        tokens: list[Token] = []
        state = State(START, START, sentence_at or "")
        while len(tokens) < max_tokens:
            ids, distribution = self._step(state)
            index = distribution.draw(random)
            if ids[index] == _END:
                break
            tokens.append(distribution.token(index))
            state = State(state.last, ids[index], "")
            if self._model.words[ids[index]] in SENTENCE_ENDS:
                if sentence_at is not None:
                    break
                state = State(START, START, _NEXT_SENTENCE)
        return tokens

    def _step(self, state: State) -> tuple[list[int], Distribution]:
        known = self._steps.get(state)
        if known is None:
            ids, logits = self._model.follow(state.before, state.last, self._mix)
            logits = [logit + self._bias[i] for i, logit in zip(ids, logits, strict=True)]
            opens = state.last == START and state.opening != _NEXT_SENTENCE
            texts = [self._spell(i, opens=opens) for i in ids]
            if state.opening == _NEXT_SENTENCE:
                logits = [*normalise(logits), self._end_logit()]
                ids.append(_END)
                texts.append("<|end|>")
            elif opens:
                taste = keyed_normals(len(ids), "opening", self._key, state.opening)
                logits = [logit + z for logit, z in zip(logits, taste, strict=True)]
            distribution = make_distribution(
                texts, logits, temperature=self._temperature, top_p=self._top_p
            )
            known = self._steps[state] = (ids, distribution)
        return known

    def _end_logit(self) -> float:
        taste = 0.5 * keyed_normal("end", self._key) + self._noise("end", "")
        return math.log(END_CHANCE / (1.0 - END_CHANCE)) + taste

    def _spell(self, token: int, *, opens: bool) -> str:
        word = self._model.words[token]
        return word if opens or not word[0].isalnum() else f" {word}"

    def _noise(self, place: str, option: str) -> float:
        if self._night.logit_sd <= 0.0:
            return 0.0
        return self._night.logit_sd * keyed_normal(
            "night", self._night.key, self._key, place, option
        )

    def _mix_topics(self) -> list[float]:
        scores = [
            TOPIC_BOOST * len(self.prompt.words & words)
            + TOPIC_TASTE_SD * keyed_normal("topic", self._key, topic)
            + self._noise("topic", topic)
            for topic, words in zip(self._model.topics, self._model.topic_words, strict=True)
        ]
        # Bounded below, so that every continuation keeps some chance.
        return [max(math.exp(share), 1e-3) for share in normalise(scores)]

    def _bias_words(self) -> list[float]:
        words = self._model.words
        bias = [TASTE_SD * z for z in keyed_normals(len(words), "words", self._key)]
        if self._night.logit_sd > 0.0:
            noise = keyed_normals(len(words), "night words", self._night.key, self._key)
            bias = [b + self._night.logit_sd * z for b, z in zip(bias, noise, strict=True)]
        for i, word in enumerate(self._model.lower_words):
            if word in self.prompt.words:
                bias[i] += PROMPT_WORD_BOOST
        return bias


@lru_cache(maxsize=256)
def find_voice(
    prompt_text: str, *, model_name: str, night: NightEffect, temperature: float, top_p: float
) -> Voice:
    """Return the voice for a prompt; a pure function, kept for the repetitions of a night."""
    return Voice(
        load_language_model(),
        prompt=read_prompt(prompt_text),
        model_name=model_name,
        night=night,
        temperature=temperature,
        top_p=top_p,
    )
