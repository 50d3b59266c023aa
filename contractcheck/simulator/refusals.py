"""Refusals in words, put together from parts so that they vary like real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.simulator.distribution import Token
from contractcheck.simulator.passages import split_tokens

if TYPE_CHECKING:
    from random import Random

_OPENINGS = ("I'm sorry, but", "I apologize, but", "Sorry,", "Unfortunately,")
_INABILITIES = (
    "I can't help with that.",
    "I cannot assist with this request.",
    "I'm not able to provide that.",
    "I am unable to help with this.",
)
_CLOSINGS = (
    "",
    " Is there anything else I can do for you?",
    " Please contact support for further help.",
    " If you have another question, I am happy to help.",
)


def write_refusal(random: Random) -> list[Token]:
    """Sample one polite refusal."""
    text = f"{random.choice(_OPENINGS)} {random.choice(_INABILITIES)}{random.choice(_CLOSINGS)}"
    words = split_tokens(text)
    tokens = [Token(text=words[0])]
    tokens.extend(Token(text=f" {word}" if word[0].isalnum() else word) for word in words[1:])
    return tokens
