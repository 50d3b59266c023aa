"""What one pytest process knows of its session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.pytest_plugin.sources import Sources


@dataclass(slots=True)
class ContractSession:
    """State of one pytest process; lives in ``config.stash``, never in a module.

    Attributes:
        id: The same in all processes of one session (xdist).
        sources: Recordings opened so far; made when the first item runs.
        suites: Where each suite name was met: recordings are kept by it.
    """

    id: str
    sources: Sources | None = None
    suites: dict[str, Path] = field(default_factory=dict)


SESSION = pytest.StashKey[ContractSession]()
