"""Whatever nights hold: no exception, no NaN, no zero p-value, no wall of text, the same bytes."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contractcheck.judging import judge_run
from contractcheck.judging.judge import Evidence
from contractcheck.model.judgement import Verdict
from contractcheck.report.formats import FORMATS
from contractcheck.workflows.judging import make_report

BEHAVIOURS = st.sampled_from(
    [
        {},
        {"text": ""},
        {"text": "\x1b]52;c;aGk=\x07 [/b] ::error::x"},
        {"text": "word " * 3000},
        {"tokens": 1},
        {"tokens": 4000},
        {"ttft_s": 0.0, "pace_s": 0.0},
        {"ttft_s": 600.0},
        {"lag_s": 1000.0},
        {"status": 503},
        {"status": 0},
        {"raw": b""},
        {"raw": b"<html/>"},
        {"streamed": False},
        {"model": "another-2020-01-01"},
    ]
)
NIGHT = st.tuples(BEHAVIOURS, st.sampled_from([0.1, 0.5, 1.0]), st.booleans())
POLICY = "{limits: {latency_p95_s: 30, error_rate: 0.1}}"
METRICS = "[{label: '^(.)'}, {number: '^([0-9]+)$'}, text, tool_calls, output_tokens, refusal]"

SCRIPT = """
import runpy, sys
parts = runpy.run_path({conftest!r})
world = parts["World"](parts["write_suite"](sys.argv[1], checks="[{{contains: a}}]"))
changed = parts["reply_with"](text="no", share=0.5, fingerprint="fp_2")
from contractcheck.report.formats import FORMATS
from contractcheck.workflows.judging import make_report
run = world.run(12, changed)
judgement = world.judge(run, world.baseline(), world.run(11, changed), reference=world.run(9))
report = make_report(judgement, run, world.suite, source="live")
sys.stdout.write(FORMATS["json"](report))
"""


def leaves(value):
    if is_dataclass(value):
        for one in fields(value):
            yield from leaves(getattr(value, one.name))
    elif isinstance(value, tuple):
        for one in value:
            yield from leaves(one)
    else:
        yield value


CALM = ({}, 0.1, False)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    nights=st.tuples(st.lists(NIGHT, min_size=0, max_size=6), st.none() | NIGHT, NIGHT),
    answer=st.sampled_from(["calm", "7", "", "a b"]),
)
# An outage on the night before leaves no metric that every night has an answer of.
@example(nights=([CALM] * 5, ({"status": 503}, 1.0, False), CALM), answer="calm")
def test_any_nights_are_judged(make_world, shape, nights, answer):
    accepted, before, tonight = nights
    world = make_world(
        cases=("one", "two"), samples=3, policy=POLICY, metrics=METRICS, checks="[{contains: a}]"
    )

    def play(number, night):
        changes, share, only_one = night
        changes = {"text": answer, **changes}
        return world.run(number, shape(["one"] if only_one else None, share, **changes))

    recorded = [play(number, night) for number, night in enumerate(accepted)]
    run = play(20, tonight)
    evidence = Evidence(
        suite=world.suite,
        run=run,
        baseline=world.accept(recorded) if recorded else None,
        previous=play(19, before).statistics if before else None,
        reference=recorded[-1] if recorded else None,
    )
    judgement = judge_run(evidence)
    report = make_report(judgement, run, world.suite, source="live")
    text = FORMATS["json"](report)
    json.loads(text, parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)))
    assert all(not math.isnan(value) for value in leaves(report) if isinstance(value, float))
    for comparison in judgement.comparisons:
        estimate = comparison.estimate
        assert estimate.p is None or 0 < estimate.p <= 1
        if estimate.effect is not None and estimate.low is not None:
            assert estimate.low - 1e-9 <= estimate.effect
        if estimate.effect is not None and estimate.high is not None:
            assert estimate.effect <= estimate.high + 1e-9
    assert all(len(finding.message) <= 400 for finding in judgement.findings)
    assert len(judgement.headline) <= 600
    if len(accepted) < 5:
        assert judgement.verdict is not Verdict.QUIET
    assert (
        FORMATS["json"](make_report(judge_run(evidence), run, world.suite, source="live")) == text
    )


def test_the_order_of_dictionaries_does_not_matter(world, shape):
    def reverse(statistics):
        cases = {
            case: replace(own, cells=dict(reversed(own.cells.items())))
            for case, own in reversed(statistics.cases.items())
        }
        return replace(statistics, cases=cases)

    changed = shape(text="no", share=0.5)
    baseline, first, run = world.baseline(), world.run(11, changed), world.run(12, changed)
    plain = world.judge(run, baseline, first)
    nights = tuple(replace(n, statistics=reverse(n.statistics)) for n in baseline.nights)
    turned = judge_run(
        Evidence(
            suite=world.suite,
            run=replace(run, statistics=reverse(run.statistics)),
            baseline=replace(baseline, nights=nights),
            previous=reverse(first.statistics),
        )
    )
    as_text = [
        FORMATS["json"](make_report(one, run, world.suite, source="live"))
        for one in (plain, replace(turned, comparisons=plain.comparisons))
    ]
    assert as_text[0] == as_text[1]
    key = lambda c: (c.plane, c.case or "", c.metric)  # noqa: E731 - local and short
    assert sorted(turned.comparisons, key=key) == sorted(plain.comparisons, key=key)


def test_any_hash_seed_gives_the_same_bytes(tmp_path):
    script = SCRIPT.format(conftest=str(Path(__file__).with_name("conftest.py")))
    outputs = set()
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "TZ": "Asia/Tokyo" if seed == "1" else "UTC",
            },
            capture_output=True,
            check=True,
        )
        outputs.add(done.stdout)
    (output,) = outputs
    assert json.loads(output)["verdict"] == "FAIL"
