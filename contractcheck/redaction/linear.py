"""Search bytes in time linear in their length (RE2), without ever printing a pattern.

Redaction looks at every byte that is recorded. RE2 reads about 0.7 GB/s whatever the number of
alternatives; Python's own engine needs thirty times as long for the same table, and minutes
for text made to hurt it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

Span = tuple[int, int]
"""Start and end of a piece of bytes."""


_MOST_MEMORY_BYTES = 64 * 2**20
"""For the automaton; a process with fifty keys needs about a tenth."""


class LinearMatch(Protocol):
    """One match."""

    def span(self, group: int = 0) -> Span:
        """Where a group matched; (-1, -1) if it took no part."""


class LinearPattern(Protocol):
    """A compiled pattern over bytes."""

    def search(self, data: bytes, pos: int = 0) -> LinearMatch | None:
        """First match at or after ``pos``."""

    def match(self, data: bytes, pos: int = 0) -> LinearMatch | None:
        """Match at ``pos``."""

    def finditer(self, data: bytes) -> Iterator[LinearMatch]:
        """All matches that do not overlap."""


def compile_linear(
    source: bytes, *, is_longest: bool = False, has_groups: bool = True
) -> LinearPattern:
    """Compile an RE2 pattern over bytes (a byte is a character).

    Args:
        source: RE2 syntax.
        is_longest: Take the longest of several alternatives instead of the first.
        has_groups: Say of each match where its groups are; a search without them takes a third of
            the time on a short text.
    """
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = _MOST_MEMORY_BYTES
    options.longest_match = is_longest
    options.never_capture = not has_groups
    options.log_errors = False  # the pattern may hold secrets
    return cast("LinearPattern", re2.compile(source, options))
