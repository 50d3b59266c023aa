"""Write down what a run held, where that is only known at its end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from contractcheck.cassettes.headers import encode_header
from contractcheck.cassettes.layout import HEADER_FILE
from contractcheck.cassettes.open_run import read_open_header
from contractcheck.cassettes.run_lock import locked
from contractcheck.cassettes.upgrade import FORMAT
from contractcheck.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from contractcheck.model.run import CasePlan, RunHeader


def declare_cases(folder: Path, cases: Mapping[str, CasePlan]) -> None:
    """Put the cases of an open run into its header, before it is sealed.

    Args:
        folder: Of an open run that nobody writes any more.
        cases: Plan per case id.

    Raises:
        RecordingError: If there is no open run, somebody still records it, or the disk refuses.
    """
    _rewrite(folder, replace(read_open_header(folder), cases=dict(cases)))


def declare_stop(folder: Path, words: str) -> None:
    """Write down why an open run ended before its plan was done; empty takes it back.

    Raises:
        RecordingError: As of :func:`declare_cases`.
    """
    _rewrite(folder, replace(read_open_header(folder), stopped=words))


def _rewrite(folder: Path, header: RunHeader) -> None:
    document = {"contractcheck": "run", "format": FORMAT, **encode_header(header)}
    data = orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
    with locked(folder):
        write_atomically(folder / HEADER_FILE, data)
