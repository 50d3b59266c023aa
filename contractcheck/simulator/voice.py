"""The language model as one prompt hears it, on one night, at one temperature."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from contractcheck.simulator.distribution import Distribution, Token, make_distribution
from contractcheck.simulator.keyed import keyed_normal, keyed_normals
from contractcheck.simulator.language_model import SENTENCE_ENDS, START
from contractcheck.simulator.taste import END, NEXT_SENTENCE, State, Taste, find_taste

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from contractcheck.simulator.nights import NightEffect
    from contractcheck.simulator.prompt import Prompt


class Voice:
    """Distributions of everything that can be decided while answering one prompt.

    Args:
        taste: What the prompt always prefers.
        night: What the night adds to it.
        temperature: >= 0.
        top_p: In (0, 1].
    """

    def __init__(
        self, taste: Taste, *, night: NightEffect, temperature: float, top_p: float
    ) -> None:
        self._taste = taste
        self._night = night
        self._temperature = temperature
        self._top_p = top_p
        self._word_noise = self._draw_word_noise()
        self._steps: dict[State, tuple[list[int], Distribution]] = {}
        self._decisions: dict[tuple[str, tuple[str, ...]], Distribution] = {}

    @property
    def prompt(self) -> Prompt:
        """What is answered."""
        return self._taste.prompt

    def decide(self, place: str, options: Sequence[str], lean: Sequence[float]) -> Distribution:
        """Return the distribution of one decision.

        Args:
            place: Names the decision; decisions at the same place share their taste.
            options: At least one text.
            lean: Logit of each option before taste and night.
        """
        key = (place, tuple(options))
        known = self._decisions.get(key)
        if known is None:
            logits = self._taste.decide(place, key[1], lean)
            if self._night.logit_sd > 0.0:
                logits = [
                    logit + self._night.logit_sd * self._draw_noise(place, option)
                    for logit, option in zip(logits, options, strict=True)
                ]
            known = self._decisions[key] = self._distribute(options, logits)
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
        words = self._taste.model.words
        state = State(START, START, sentence_at or "")
        while len(tokens) < max_tokens:
            ids, distribution = self._step(state)
            index = distribution.draw(random)
            if ids[index] == END:
                break
            tokens.append(distribution.token(index))
            state = State(state.last, ids[index], "")
            if words[ids[index]] in SENTENCE_ENDS:
                if sentence_at is not None:
                    break
                state = State(START, START, NEXT_SENTENCE)
        return tokens

    def _step(self, state: State) -> tuple[list[int], Distribution]:
        known = self._steps.get(state)
        if known is None:
            ids, logits, texts = self._taste.step(state)
            noise = self._word_noise
            # `END` is -1 and takes the last, spare entry of the noise.
            noisy = [logit + noise[i] for i, logit in zip(ids, logits, strict=True)]
            known = self._steps[state] = (ids, self._distribute(texts, noisy))
        return known

    def _distribute(self, options: Sequence[str], logits: Sequence[float]) -> Distribution:
        return make_distribution(options, logits, temperature=self._temperature, top_p=self._top_p)

    def _draw_noise(self, place: str, option: str) -> float:
        return keyed_normal("night", self._night.key, self._taste.key, place, option)

    def _draw_word_noise(self) -> list[float]:
        count = len(self._taste.model.words) + 1
        if self._night.logit_sd <= 0.0:
            return [0.0] * count
        noise = keyed_normals(count, "night words", self._night.key, self._taste.key)
        return [self._night.logit_sd * z for z in noise]


@lru_cache(maxsize=256)
def find_voice(
    prompt_text: str, *, model_name: str, night: NightEffect, temperature: float, top_p: float
) -> Voice:
    """Return the voice for a prompt; a pure function, kept for the repetitions of a night."""
    taste = find_taste(prompt_text, model_name)
    return Voice(taste, night=night, temperature=temperature, top_p=top_p)
