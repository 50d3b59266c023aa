"""Regular expressions that others wrote, searched in time linear in the text (RE2).

A backtracking engine needs seconds for ``^(a+)+$`` on 28 characters; RE2
(https://github.com/google/re2/wiki/Syntax) cannot, at the price of lookaround and
backreferences, which it does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import Protocol

    class _Compiled(Protocol):
        groups: int

        def search(self, text: str) -> _Match | None: ...

    class _Match(Protocol):
        def group(self, number: int) -> str | None: ...


class PatternError(ValueError):
    """A pattern is not RE2 syntax; the message says what is, as one clause."""


def check_pattern(pattern: str) -> None:
    """Make sure that a pattern can be searched for.

    Raises:
        PatternError: If it is not RE2 syntax.
    """
    _compile(pattern)


def search_pattern(pattern: str, text: str) -> str | None:
    """Find the first match of ``pattern`` anywhere in ``text``.

    Returns:
        What the first group caught (empty if it took no part), or the whole match of a
        pattern without groups; None when nothing matches.

    Raises:
        PatternError: If the pattern is not RE2 syntax.
    """
    compiled = _compile(pattern)
    found = compiled.search(_without_lone_surrogates(text))
    if found is None:
        return None
    return found.group(1 if compiled.groups else 0) or ""


def _compile(pattern: str) -> _Compiled:
    import re2

    options = re2.Options()
    options.log_errors = False  # else RE2 writes to the process's standard error
    try:
        return cast("_Compiled", re2.compile(pattern, options))
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(
            f"not an RE2 pattern ({text}); lookaround and backreferences are not supported"
        ) from None
    except UnicodeEncodeError:
        raise PatternError("not an RE2 pattern (half of a surrogate pair)") from None


def _without_lone_surrogates(text: str) -> str:
    # JSON can escape half of a surrogate pair; UTF-8, which RE2 reads, cannot hold one.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
