"""Read every exchange of a run as an answer and measure it: the observation table.

Observations are always derived from the recording, never stored beside it: a new check or
metric re-scores old nights for free, and a replay goes the same way as a live run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.checks import run_check
from contractcheck.measuring.reduce import reduce_night
from contractcheck.metrics import LATENCY, METRICS, measure
from contractcheck.model.completion import Outcome
from contractcheck.model.measurement import MeasuredRun, TrialAnswer
from contractcheck.model.suite import MetricSpec
from contractcheck.providers.answer import read_answer
from contractcheck.wire_contracts import (
    examine,
    learn_shape,
    merge_problems,
    problem_facts,
    wire_format,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from contractcheck.model.completion import Answer
    from contractcheck.model.exchange import Exchange
    from contractcheck.model.run import Run, RunHeader
    from contractcheck.model.suite import Case, Suite
    from contractcheck.model.target import Target
    from contractcheck.model.wire_mapping import WireMapping
    from contractcheck.model.wire_shape import Fact

COLUMNS = {
    "run": "run id",
    "night": "ISO date, or None",
    "case": "case id",
    "trial": "0-based index within case and run",
    "metric": "label of the metric or check",
    "kind": "label, number, text or check",
    "plane": "outputs, latency or conformance",
    "number": "value of a number (unit in the metric's name); of a check 1.0 or 0.0; else NaN",
    "string": "value of a label or text; of a failed check why; else None",
}
"""The observation table: one row per answered trial and metric or check."""


def observe(run: Run, suite: Suite) -> MeasuredRun:
    """Measure a run by a suite's checks and metrics, as the suite is now.

    Cases of the run that the suite no longer has are left out, of its plan too: a contract that
    shrank makes no run incomplete.

    Raises:
        UsageError: If the run's provider has no dialect.
    """
    cases = {case.id: case for case in suite.cases}
    plan = {case: planned for case, planned in run.header.cases.items() if case in cases}
    header = replace(run.header, cases=plan)
    own = [x for x in told_exchanges(run) if x.case in cases]
    target = replace(header.target, mapping=_mapping_now(header.target, suite))
    read = {place_of(exchange): _read(exchange, target) for exchange in own}
    last = set(map(place_of, deciding_exchanges(run, suite)))
    first = read.keys() - last
    measured = measure_answers(header, [read[place][0] for place in sorted(last)], suite)
    spoken = wire_format(header.target.provider)
    shape = learn_shape(spoken.name, [facts for _, facts in read.values()])
    return replace(
        measured,
        statistics=replace(measured.statistics, wire=shape),
        earlier=tuple(read[place][0] for place in sorted(first)),
    )


def deciding_exchanges(run: Run, suite: Suite) -> list[Exchange]:
    """The last told attempt of every trial of the suite's cases, sorted by case and trial."""
    cases = {case.id for case in suite.cases}
    last = {(x.case, x.trial): x for x in told_exchanges(run) if x.case in cases}
    return [last[key] for key in sorted(last)]


def read_trials(run: Run, suite: Suite) -> list[TrialAnswer]:
    """Read what each trial's deciding attempt came to, without a look at how it came over the wire.

    Raises:
        UsageError: If the run's provider has no dialect.
    """
    target = run.header.target
    mapping = _mapping_now(target, suite)
    return [
        TrialAnswer(case=x.case, trial=x.trial, answer=read_answer(x, target.provider, mapping))
        for x in deciding_exchanges(run, suite)
    ]


def told_exchanges(run: Run) -> list[Exchange]:
    """The attempts that tell of the provider: not those that we broke off ourselves.

    Unless nothing followed in a run that is over: then that is how the trial ended. In a run that
    goes on, such a trial was not made yet.
    """
    last = run.last_attempts()
    is_open = run.header.status == "interrupted"
    unmade = {key for key, exchange in last.items() if is_open and exchange.ended == "closed"}
    return [
        exchange
        for exchange in run.exchanges
        if (key := (exchange.case, exchange.trial)) not in unmade
        and (exchange.ended != "closed" or exchange is last[key])
    ]


def place_of(exchange: Exchange) -> tuple[str, int, int]:
    """Case, trial and attempt: what an exchange is found by in its run."""
    return exchange.case, exchange.trial, exchange.attempt


def _mapping_now(asked: Target, suite: Suite) -> WireMapping | None:
    """How answers are read: as the suite says now; as it said then where it no longer does."""
    now = {target.id: target.mapping for target in suite.targets}
    return now.get(asked.id) or asked.mapping


def _read(exchange: Exchange, target: Target) -> tuple[TrialAnswer, frozenset[Fact]]:
    """Read an exchange, and look at how it came over the wire."""
    answer = read_answer(exchange, target.provider, target.mapping)
    completion = answer.completion
    seen = examine(exchange, target.provider, completion, target.mapping)
    problems = merge_problems(completion.wire_problems, seen.problems)
    whole = replace(answer, completion=replace(completion, wire_problems=problems))
    facts = seen.facts.union(problem_facts(problems)) if seen.facts else seen.facts
    return TrialAnswer(case=exchange.case, trial=exchange.trial, answer=whole), facts


def measure_answers(header: RunHeader, answers: Sequence[TrialAnswer], suite: Suite) -> MeasuredRun:
    """Measure answers that were read before, such as those of a run with something changed.

    Args:
        header: The run's header; its cases are the suite's.
        answers: One per trial.
        suite: The contract.
    """
    table = tabulate(header, answers, suite)
    statistics = reduce_night(header, suite, answers, table)
    return MeasuredRun(header=header, answers=tuple(answers), table=table, statistics=statistics)


def tabulate(header: RunHeader, answers: Sequence[TrialAnswer], suite: Suite) -> pd.DataFrame:
    """The observation table of answers: :data:`COLUMNS`.

    Args:
        header: The run's header.
        answers: One per trial, of the suite's cases.
        suite: The contract.
    """
    import pandas as pd

    cases = {case.id: case for case in suite.cases}
    rows = [
        (header.id, header.night, one.case, one.trial, *values)
        for one in answers
        if one.answer.completion.outcome is Outcome.ANSWERED
        for values in _rows(one.answer, cases[one.case])
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


_Row = tuple[str, str, str, float, str | None]


def _rows(answer: Answer, case: Case) -> Iterator[_Row]:
    nan = float("nan")
    for check in case.checks:
        outcome = run_check(check, answer.completion, case)
        passed = 1.0 if outcome.passed else 0.0
        yield check.label, "check", "conformance", passed, outcome.detail or None
    listed = {spec.name for spec in case.metrics}
    always = [MetricSpec(name=n, argument=None, label=n) for n in LATENCY if n not in listed]
    for spec in (*case.metrics, *always):
        metric = METRICS[spec.name]
        if metric.plane == "latency" and answer.timing.is_contended:
            continue
        value = measure(spec, answer, case)
        if metric.kind == "number":
            number = nan if value is None else float(value)
            yield spec.label, metric.kind, metric.plane, number, None
        else:
            string = None if value is None else str(value)
            yield spec.label, metric.kind, metric.plane, nan, string
