"""Text that others wrote, made safe to show: it may be read, it may not act.

A model's answer can carry terminal escapes (clipboard writes included), bidirectional
overrides, and words that CI runners take for commands (``::set-output``, ``##[error]``).
"""

from __future__ import annotations

import re

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # invisible, separators, bidi
    "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"  # surrogates, anchors, tags
)
_RUNNER_COMMAND = re.compile(r":(?=:)|#(?=#\w*\[)")
"""GitHub: ``::name::`` and ``##[name]``; Azure: ``##vso[name]``; TeamCity: ``##teamcity[name]``."""


def show(text: str) -> str:
    """Make text safe for terminals and CI logs; line feeds and tabs stay.

    Escapes are visible (as in Python source), so that nothing is hidden either.
    """
    visible = _ACTING.sub(
        lambda m: m.group().encode("unicode_escape", "surrogatepass").decode(), text
    )
    return _RUNNER_COMMAND.sub(lambda m: m.group() + "\\", visible)


def one_line(text: str) -> str:
    """Make text safe, and keep it from looking like lines of ours."""
    return show(text).replace("\n", "⏎ ").replace("\t", " ")


def shorten(text: str, length: int) -> str:
    """Show at most ``length`` characters on one line, and say how many there were."""
    line = one_line(text[: length + 1])
    if len(text) <= length and len(line) <= length:
        return line
    return f"{line[: length - 1]}… ({len(text)} characters)"
