"""The run store: one folder per run, below suite and target. Kept out of version control."""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from contractcheck.model.target import Target

_RUN_ID = re.compile(r"[0-9]{8}t[0-9]{6}z-[a-z0-9]{1,32}")


def new_run_id(now: datetime, suffix: str | None = None) -> str:
    """Make a run id: UTC start and a suffix; sorts by time.

    Args:
        now: Start of the run, in UTC.
        suffix: Lower-case letters and digits; random when None.
    """
    return f"{now:%Y%m%dt%H%M%Sz}-{suffix or secrets.token_hex(4)}"


def is_run_id(text: str) -> bool:
    """Whether a text is a run id, and so safe as the name of a folder."""
    return _RUN_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class RunStore:
    """Runs below one folder.

    Attributes:
        root: Usually ``.contractcheck/runs``; need not exist yet.
    """

    root: Path

    def folder(self, suite: str, target: Target, run_id: str) -> Path:
        """Where a run of this id lies or will lie.

        Raises:
            UsageError: If the id is not one of ours (it becomes a folder name).
        """
        if not is_run_id(run_id):
            raise UsageError(f"{run_id!r} is not a run id (such as 20261104t021500z-1a2b3c4d)")
        return self.root / suite / target.folder / run_id

    def folders(self, suite: str, target: Target) -> tuple[Path, ...]:
        """All run folders of a suite and target, oldest first."""
        parent = self.root / suite / target.folder
        if not parent.is_dir():
            return ()
        return tuple(sorted(f for f in parent.iterdir() if is_run_id(f.name)))

    def find(self, name: str) -> Path:
        """Find a run by id, folder, or unambiguous beginning of an id.

        A whole id means the run of this store, even if a folder here is called the same.

        Raises:
            UsageError: If no run, or more than one, has this name.
        """
        found = self.matches(name)
        if len(found) == 1:
            return found[0]
        if not found:
            raise UsageError(
                f"no run {name!r} below {self.root}; `contractcheck runs` lists what is there"
            )
        names = ", ".join(f.name for f in found[:5])
        raise UsageError(f"{name!r} fits {len(found)} runs: {names}; give more of the id")

    def matches(self, name: str) -> tuple[Path, ...]:
        """Folders of all runs that ``find`` could mean by a name, sorted."""
        from pathlib import Path

        path = Path(name)
        own = sorted(self.root.glob(f"*/*/{name}")) if is_run_id(name) else []
        if len(own) == 1:
            return (own[0],)
        with suppress(OSError):  # a name that no folder can have
            if name and path.is_dir():
                return (path,)
        return tuple(sorted(f for f in self.root.glob(f"*/*/{_glob_safe(name)}*") if f.is_dir()))


def _glob_safe(name: str) -> str:
    return re.sub(r"[^a-z0-9-]", "?", name)
