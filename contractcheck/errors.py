"""Every exception contractcheck raises on purpose.

An exception means *could not measure*; a finding means *measured, and it
differs*. Nothing here is ever raised for drift::

    ContractcheckError
    ├── UsageError               exit 2: what was asked cannot be done as asked
    │   ├── SuiteError           a suite file is wrong (file:line, several at once)
    │   ├── TableError           a recorded table is wrong (file, column)
    │   ├── AcceptRefusedError   this run may not become part of a baseline
    │   ├── InterceptionError    a recording or replaying session was set up or used wrongly
    │   └── NothingToCheckError  exit 5: no suite, no case, no recording selected
    └── MeasurementError         exit 4: the measurement itself failed
        ├── RecordingError       a journal, run or baseline on disk is damaged
        ├── ReplayError          a recording cannot be played as asked
        │   ├── UnmatchedRequestError  replay was asked for something never recorded
        │   └── UnusedExchangesError   replay did not ask for something recorded
        ├── UnseenCallError      a connection that no recorder sees was refused
        ├── ContentCodingError   a compressed body cannot be decoded
        │   ├── UnknownCodingError   nobody here knows the coding
        │   ├── DamagedBodyError     cut off, or not of that coding
        │   └── DecodedTooLargeError more would come out than is allowed
        └── LimitReachedError    a bound (requests, tokens, money, time, patience) ended the run
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class ContractcheckError(Exception):
    """Base of all of them; carries the exit code of the command line."""

    exit_code = 4


class UsageError(ContractcheckError):
    """What was asked cannot be done as asked; nothing was written."""

    exit_code = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing wrong in a file, and what would be right.

    Attributes:
        file: Path as the user gave it.
        line: 1-based line, or None when the whole file is meant.
        where: Dotted place inside the document, such as ``cases[2].checks[0]``.
        what: What is wrong, and what is allowed.
    """

    file: str
    line: int | None
    where: str
    what: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.where}: {self.what}" if self.where else f"{place}: {self.what}"


class SuiteError(UsageError):
    """One or more suite files are wrong; all problems are told at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class TableError(UsageError):
    """A recorded table cannot be compared as asked."""


class AcceptRefusedError(UsageError):
    """A run may not become part of a baseline, and why."""


class InterceptionError(UsageError):
    """A recording or replaying session was set up or used wrongly; nothing was sent."""


class NothingToCheckError(UsageError):
    """The selection is empty: no suite, no case or no recording."""

    exit_code = 5


class MeasurementError(ContractcheckError):
    """The measurement failed; says nothing about the provider's behaviour."""


class RecordingError(MeasurementError):
    """A file on disk is torn, edited, newer than this program or misplaced."""


class ReplayError(MeasurementError):
    """A recording cannot be played as asked."""


class UnmatchedRequestError(ReplayError):
    """Replay was asked for an exchange that was never recorded."""


class UnusedExchangesError(ReplayError):
    """Replay ended, and nobody had asked for part of what was recorded."""


class UnseenCallError(MeasurementError):
    """A connection that no recorder sees was refused: replay and strict recording forbid it."""


class ContentCodingError(MeasurementError):
    """A compressed body cannot be decoded."""


class UnknownCodingError(ContentCodingError):
    """A content coding that is not known here, or whose library is not installed."""


class DamagedBodyError(ContentCodingError):
    """A compressed body that was cut off, or is not what its coding says."""


class DecodedTooLargeError(ContentCodingError):
    """A compressed body that decodes to more than is allowed."""


class LimitReachedError(MeasurementError):
    """A declared bound, or the provider's state, ended the run before its plan was complete.

    ``reason`` says which; it is empty when the message says it all.
    """

    def __init__(self, message: str, *, reason: str = "") -> None:
        self.reason = reason
        super().__init__(message)
