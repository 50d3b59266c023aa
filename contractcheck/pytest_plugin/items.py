"""Test items: views of one run. Each says its verdict in its own outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contractcheck.pytest_plugin.outcome import Outcome
from contractcheck.pytest_plugin.session import SESSION

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from contractcheck.model.suite import Case, Suite
    from contractcheck.model.target import Target
    from contractcheck.pytest_plugin.sources import Selection, Source, Sources


class ContractFailureError(Exception):
    """A contract does not hold; the text is the whole message."""


class ContractItem(pytest.Item):
    """What case and drift items have in common.

    Attributes:
        suite: The contract.
        target: Whom it is about.
        outcome: What the item came to; None until it ran.
    """

    def __init__(
        self,
        *,
        name: str,
        parent: pytest.Collector,
        suite: Suite,
        target: Target,
        **kwargs: object,
    ) -> None:
        # The id is given as text: where pytest puts it together from names, it keeps a bracket in
        # the name, and then does not find it again in what --lf, --ff and --nf remembered.
        nodeid = f"{parent.nodeid}::{name}"
        super().__init__(name=name, parent=parent, nodeid=nodeid, **kwargs)  # type: ignore[arg-type]  # pytest's own
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

            selection = select(self.session.items)
            session.sources = Sources(config=self.config, session=session.id, selection=selection)
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
        from contractcheck.report.formats import FORMATS

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


def select(items: Iterable[pytest.Item]) -> tuple[Selection, ...]:
    """What the items of a session ask for, per suite and target: the same in every process.

    A drift item alone asks for all cases.
    """
    from contractcheck.pytest_plugin.sources import Selection

    own = [item for item in items if isinstance(item, ContractItem)]
    cases: dict[tuple[str, str], set[str]] = {}
    for item in own:
        chosen = cases.setdefault((item.suite.name, item.target.id), set())
        if isinstance(item, CaseItem):
            chosen.add(item.case.id)
    pairs = {(item.suite.name, item.target.id): item for item in own}
    return tuple(
        Selection(suite=item.suite, target=item.target, cases=frozenset(cases[key]))
        for key, item in pairs.items()
    )
