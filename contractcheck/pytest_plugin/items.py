"""Test items: views of one run. Each says its verdict in its own outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contractcheck.pytest_plugin.options import SESSION
from contractcheck.pytest_plugin.outcome import Outcome

if TYPE_CHECKING:
    from os import PathLike

    from contractcheck.model.suite import Case, Suite
    from contractcheck.model.target import Target
    from contractcheck.pytest_plugin.sources import Source, Sources


class ContractFailureError(Exception):
    """A contract does not hold; the text is the whole message."""


class ContractItem(pytest.Item):
    """What case and drift items have in common.

    Attributes:
        suite: The contract.
        target: Whom it is about.
        outcome: What the item came to; None until it ran.
    """

    def __init__(self, *, suite: Suite, target: Target, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]  # name and parent, from from_parent
        self.suite = suite
        self.target = target
        self.outcome: Outcome | None = None

    def judge(self, source: Source) -> Outcome:
        """Judge what this item stands for."""
        raise NotImplementedError

    def runtest(self) -> None:
        """Judge, and turn the verdict into pytest's outcome."""
        outcome = self.outcome = self._measure()
        is_strict = (
            self.config.getoption("contract_strict") or self.suite.policy.on_inconclusive == "fail"
        )
        if outcome.is_red or (is_strict and outcome.verdict == "INCONCLUSIVE"):
            raise ContractFailureError(outcome.text)
        if outcome.verdict == "INCONCLUSIVE":
            pytest.skip(outcome.text)

    def _measure(self) -> Outcome:
        from contractcheck.errors import (
            ContractcheckError,
            LimitReachedError,
            NothingToCheckError,
        )
        from contractcheck.report.safe_text import show

        try:
            outcome = self.judge(self._sources().open(self.suite, self.target))
        except (NothingToCheckError, LimitReachedError) as error:
            outcome = Outcome(verdict="INCONCLUSIVE", text=str(error), headline=str(error))
        except ContractcheckError as error:
            words = f"could not measure: {error}"
            outcome = Outcome(verdict="ERROR", text=words, headline=words)
        except KeyboardInterrupt as stop:
            # A traceback of the sampler would show its arguments, the credential among them.
            raise KeyboardInterrupt(*stop.args) from None
        return Outcome(
            verdict=outcome.verdict, text=show(outcome.text), headline=show(outcome.headline)
        )

    def _sources(self) -> Sources:
        """The session's recordings; what is heavy is imported here, when the first item runs."""
        session = self.config.stash[SESSION]
        if session.sources is None:
            from contractcheck.pytest_plugin.sources import Sources

            session.sources = Sources(config=self.config, items=tuple(self.session.items))
        return session.sources

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        """Show a broken contract as text; anything else is a bug and keeps its traceback."""
        del style
        if isinstance(excinfo.value, ContractFailureError):
            return str(excinfo.value)
        return _tame(str(super().repr_failure(excinfo)))


def _tame(traceback: str) -> str:
    """A traceback with arguments (``-l``) may quote credentials and answers."""
    import os

    from contractcheck.redaction import Scrubber
    from contractcheck.report.safe_text import show
    from contractcheck.workflows.endpoint import find_secrets

    return show(Scrubber.for_secrets(find_secrets(os.environ)).scrub_text(traceback))


class CaseItem(ContractItem):
    """One case against one target: its checks."""

    def __init__(self, *, case: Case, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]  # passed on as they came
        self.case = case

    def judge(self, source: Source) -> Outcome:
        """Judge the case's recorded or live answers."""
        judged = source.judge(self.case.id)
        text = "\n".join(finding.message for finding in judged.findings) or judged.reason
        is_good = judged.verdict.value in ("QUIET", "PASS")
        headline = (is_good and source.words) or judged.reason
        return Outcome(verdict=judged.verdict.value, text=text, headline=headline)

    def reportinfo(self) -> tuple[PathLike[str] | str, int | None, str]:
        """Point at the case's line in the suite."""
        return self.path, self.case.line - 1, self.name


class DriftItem(ContractItem):
    """Everything about one target that no single case can say: drift, identity, limits."""

    def judge(self, source: Source) -> Outcome:
        """Judge the whole run."""
        from contractcheck.report import FORMATS

        report = source.report
        if report is None:
            raise RuntimeError("a drift item without a live run")
        full = FORMATS["terminal"](report)
        outcome = Outcome(verdict=report.verdict.value, text=full, headline=report.headline)
        if outcome.is_red:
            return outcome
        # Not red: the reason is enough, and the rest is there for who asks (-rA).
        self.add_report_section("call", "contractcheck", full)
        return Outcome(verdict=outcome.verdict, text=report.headline, headline=report.headline)

    def reportinfo(self) -> tuple[PathLike[str] | str, int | None, str]:
        """Point at the suite."""
        return self.path, 0, self.name
