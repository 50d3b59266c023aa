"""Where a project keeps its suites, runs and baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contractcheck.errors import NothingToCheckError
from contractcheck.store import BaselineStore, ExemptionStore, GateStore, RunStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from contractcheck.model.suite import Suite


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project's folder.

    Attributes:
        root: Folder that holds ``suites/``, ``cassettes/`` (in version control) and
            ``.contractcheck/`` (not).
    """

    root: Path

    @property
    def runs(self) -> RunStore:
        """Recorded runs."""
        return RunStore(self.root / ".contractcheck" / "runs")

    @property
    def baselines(self) -> BaselineStore:
        """Accepted nights."""
        return BaselineStore(self.root / "cassettes")

    @property
    def exemptions(self) -> ExemptionStore:
        """Mutes and quarantines."""
        return ExemptionStore(self.root / "cassettes")

    @property
    def gates(self) -> GateStore:
        """Plans of gates."""
        return GateStore(self.root / ".contractcheck" / "gates")

    @property
    def history(self) -> Path:
        """File of the history, unless another one is named."""
        return self.root / ".contractcheck" / "history.sqlite"

    @property
    def locks(self) -> Path:
        """Folder for lock files."""
        return self.root / ".contractcheck" / "locks"

    def load_suites(self, paths: Sequence[Path] = ()) -> tuple[Suite, ...]:
        """Load the suites at some paths, or all below ``suites/``.

        Raises:
            SuiteError: With every problem of every file.
            NothingToCheckError: If there is no suite.
        """
        from contractcheck.providers import provider_names
        from contractcheck.suite import find_suites, load_suites

        own = self.root / "suites"
        found = find_suites(paths or ([own] if own.is_dir() else []))
        if not found:
            where = ", ".join(map(str, paths or [own]))
            raise NothingToCheckError(
                f"no *.contract.yaml below {where}; write a suite there, or name where one is"
            )
        return load_suites(found, providers=provider_names())
