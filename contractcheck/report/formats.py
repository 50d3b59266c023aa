"""The formats of a report; a new one is one file and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.report import json_report, terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contractcheck.model.report import Report

FORMATS: Mapping[str, Callable[[Report], str]] = {
    "terminal": terminal.render,
    "json": json_report.render,
}

__all__ = ["FORMATS"]
