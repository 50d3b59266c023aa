"""Test items: views of one run. Each says its verdict in its own outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contractcheck.pytest_plugin.options import SESSION

if TYPE_CHECKING:
    from os import PathLike

    from contractcheck.model.suite import Case, Suite
    from contractcheck.model.target import Target
    from contractcheck.pytest_plugin.sources import Sources


class ContractFailureError(Exception):
    """A contract does not hold; the text is the whole message."""


class ContractItem(pytest.Item):
    """What case and drift items have in common.

    Attributes:
        outcome: What the summary is told; set when the item ran.
    """

    def __init__(self, *, suite: Suite, target: Target, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]  # name and parent, from from_parent
        self.suite = suite
        self.target = target
        self.outcome: dict[str, str] = {}

    @property
    def sources(self) -> Sources:
        """The session's recordings; what is heavy is imported here, when the first item runs."""
        session = self.config.stash[SESSION]
        if session.sources is None:
            from contractcheck.pytest_plugin.sources import Sources

            session.sources = Sources(config=self.config, items=tuple(self.session.items))
        return session.sources

    def conclude(self, verdict: str, text: str, *, headline: str, is_measured: bool) -> None:
        """Turn a verdict into pytest's outcome, and keep it for the summary."""
        from contractcheck.report.safe_text import show

        self.outcome = {
            "pair": f"{self.suite.name} × {self.target.id}",
            "verdict": verdict,
            "headline": show(headline),
            "is_measured": "yes" if is_measured else "no",
        }
        if verdict in ("FAIL", "ERROR"):
            raise ContractFailureError(show(text))
        if verdict == "INCONCLUSIVE":
            strict = self.config.getoption("contract_strict")
            if strict or self.suite.policy.on_inconclusive == "fail":
                raise ContractFailureError(show(text))
            pytest.skip(show(text))

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        """Show our own errors as text; anything else is a bug and keeps its traceback."""
        from contractcheck.errors import ContractcheckError
        from contractcheck.report.safe_text import show

        del style
        if isinstance(excinfo.value, ContractFailureError):
            return str(excinfo.value)
        if isinstance(excinfo.value, ContractcheckError):
            return show(f"could not measure: {excinfo.value}")
        return str(super().repr_failure(excinfo))


class CaseItem(ContractItem):
    """One case against one target: its checks."""

    def __init__(self, *, case: Case, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]  # passed on as they came
        self.case = case

    def runtest(self) -> None:
        """Judge the case's recorded or live answers."""
        from contractcheck.errors import NothingToCheckError

        try:
            source = self.sources.open(self.suite, self.target)
        except NothingToCheckError as error:
            self.conclude("INCONCLUSIVE", str(error), headline=str(error), is_measured=False)
            return
        judged = source.judge(self.case.id)
        text = "\n".join(finding.message for finding in judged.findings) or judged.reason
        self.conclude(
            judged.verdict.value,
            text,
            headline=source.words,
            is_measured=judged.verdict.value != "INCONCLUSIVE",
        )

    def reportinfo(self) -> tuple[PathLike[str] | str, int | None, str]:
        """Point at the case's line in the suite."""
        return self.path, self.case.line - 1, self.name


class DriftItem(ContractItem):
    """Everything about one target that no single case can say: drift, identity, limits."""

    def runtest(self) -> None:
        """Judge the whole run."""
        from contractcheck.report import FORMATS

        source = self.sources.open(self.suite, self.target)
        report = source.report
        if report is None:
            raise RuntimeError("a drift item without a live run")
        text = FORMATS["terminal"](report)
        self.add_report_section("call", "contractcheck", text)
        self.conclude(
            report.verdict.value,
            text if report.verdict.value in ("FAIL", "ERROR") else report.headline,
            headline=report.headline,
            is_measured=report.verdict.value in ("QUIET", "PASS", "FAIL"),
        )

    def reportinfo(self) -> tuple[PathLike[str] | str, int | None, str]:
        """Point at the suite."""
        return self.path, 0, self.name
