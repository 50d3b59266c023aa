"""What one item came to; plain words, so that it can travel from worker to controller."""

from __future__ import annotations

from dataclasses import dataclass

MEASURED = frozenset({"FAIL", "QUIET", "PASS"})
"""Verdicts that rest on answers. ERROR and INCONCLUSIVE say that there were none, or too few."""

WORST_FIRST = ("FAIL", "ERROR", "INCONCLUSIVE", "QUIET", "PASS")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The verdict of one item.

    Attributes:
        verdict: Name of a verdict.
        text: Everything there is to say about it, several lines.
        headline: One line, for the summary.
    """

    verdict: str
    text: str
    headline: str

    @property
    def is_red(self) -> bool:
        """Whether the item fails whatever the options say."""
        return self.verdict in ("FAIL", "ERROR")
