"""Collect ``*.contract.yaml``: one item per case and target, one drift item per live target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contractcheck.model.suite import Suite

SUFFIX = ".contract.yaml"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect suites, only when asked to."""
    if not file_path.name.endswith(SUFFIX):
        return None
    if not parent.config.getoption("contract"):
        if parent.session.isinitpath(file_path):
            raise parent.CollectError(f"{file_path} is a contract suite: add --contract")
        return None
    collector: pytest.Collector = SuiteFile.from_parent(parent, path=file_path)
    return collector


class SuiteFile(pytest.File):
    """One suite file."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the items, targets and cases in file order."""
        from contractcheck.pytest_plugin.items import CaseItem, DriftItem

        suite = self._load()
        wanted = self.config.getoption("contract_target")
        is_live = self.config.getoption("contract_mode") == "live"
        for target in suite.targets:
            if wanted and target.id not in wanted:
                continue
            for case in suite.cases:
                yield CaseItem.from_parent(
                    self, name=f"{case.id}[{target.id}]", suite=suite, target=target, case=case
                )
            if is_live:
                # "@" is in no case id, so that the name is free.
                yield DriftItem.from_parent(
                    self, name=f"@drift[{target.id}]", suite=suite, target=target
                )

    def _load(self) -> Suite:
        from contractcheck.errors import ContractcheckError
        from contractcheck.pytest_plugin.session import SESSION
        from contractcheck.report.safe_text import show
        from contractcheck.workflows.workspace import Workspace

        try:
            suite = Workspace(self.config.rootpath).load_suites([self.path])[0]
        except ContractcheckError as error:
            raise self.CollectError(show(str(error))) from error
        twin = self.config.stash[SESSION].suites.setdefault(suite.name, self.path)
        if twin != self.path:
            raise self.CollectError(
                f"{self.path}: suite: {suite.name!r} is the name of {twin} too; recordings are "
                "kept by name"
            )
        return suite

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        """Show the problems as text: file, line, what is allowed; no traceback."""
        del style
        if isinstance(excinfo.value, self.CollectError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))
