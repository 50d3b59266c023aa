"""The promise of a quiet verdict, measured end to end on an unchanged provider.

Nights differ as the simulator makes them: three odd nights in sixteen, a sixth of latency. For such
nights reports state a bound, ``ODD_FORTNIGHT``, and beside it the rate derived for normal nights.
The bound was set on seeds 0-199, 5000-5199 and 20000-20599; nothing here is measured on those.
"""

import os
import secrets
import time
from dataclasses import replace
from pathlib import Path

import pytest
from quiet_fortnights import FORTNIGHT, play, play_all, verdicts_only
from simulated_nights import ACCEPTED_NIGHTS, History, with_samples

from contractcheck.model.judgement import Verdict
from contractcheck.providers import DIALECTS
from contractcheck.stats.intervals import clopper_pearson
from contractcheck.stats.night_rule import ODD_FORTNIGHT, chance_of_false_red
from contractcheck.suite import load_suite

SUITES = Path(__file__).parents[2] / "suites"
FIRST_SEED = 40_000  # not among those that the bound was set on
PLAIN = 10  # of the fortnights are put to the plain test too


def shipped(name, *, cases=None, samples=None):
    suite = load_suite(SUITES / name / "suite.contract.yaml", providers=DIALECTS)
    suite = replace(suite, cases=suite.cases[:cases])
    return suite if samples is None else with_samples(suite, samples)


def histories(suite, seeds):
    target = next(target for target in suite.targets if target.provider == "openai")
    return [History(suite=suite, target=target, seed=seed) for seed in seeds]


def derived_rate(fortnight):
    """What the report of each night states for fourteen normal ones."""
    return fortnight.streams * chance_of_false_red(
        nights=ACCEPTED_NIGHTS, threshold=fortnight.threshold, horizon=FORTNIGHT
    )


def describe(suite, played, plain, seconds):
    red = sum(bool(one.red) for one in played)
    cried = sum(one.plain_cry is not None for one in played[:plain])
    answers = sum(case.samples for case in suite.cases)
    first, last = played[0], played[-1]
    return f"""
Quiet fortnights of {suite.name}: {len(suite.cases)} cases, {answers} answers a night,
{ACCEPTED_NIGHTS} accepted nights, seeds {first.seed} to {last.seed}, {seconds:.0f} s
  any false red          {rate(red, len(played))}
  stated                 at most {ODD_FORTNIGHT:.1%} on nights like these; {derived_rate(first):.2%} if nights vary
                         independently and normally ({first.streams} streams, threshold {first.threshold:.2f})
  a plain test cried in  {rate(cried, plain)} (two-sample at .05, every night)
  suspect nights         {rate(sum(one.suspect for one in played), FORTNIGHT * len(played))}
  not fit to be accepted {sum(one.refused for one in played)} nights
""" + "".join(f"  red in {one.seed}: {headline}\n" for one in played for headline in one.red)


def rate(count, of):
    interval = clopper_pearson(count, of, 0.95)
    return f"{count} of {of} = {count / of:.1%} [{interval.low:.1%}, {interval.high:.1%}]"


@pytest.fixture(scope="module")
def twenty():
    # Fewer cases and answers than the suite ships with: the time of a normal test run.
    suite = shipped("support-triage", cases=3, samples=5)
    started = time.monotonic()
    played = play_all(histories(suite, range(FIRST_SEED, FIRST_SEED + 20)), plain=PLAIN)
    return played, describe(suite, played, PLAIN, time.monotonic() - started)


def test_a_plain_test_cries_in_most_quiet_fortnights_and_the_rule_in_few(twenty, capsys):
    played, table = twenty
    with capsys.disabled():
        print(table)  # noqa: T201 - the table is what this run is for
    assert {one.streams for one in played} == {played[0].streams}
    assert all(len(one.verdicts) == FORTNIGHT for one in played)
    assert sum(one.plain_cry is not None for one in played[:PLAIN]) > 0.8 * PLAIN
    assert sum(bool(one.red) for one in played) < 0.1 * len(played)


def test_twenty_quiet_fortnights_turn_red_no_more_often_than_stated(twenty):
    played, _ = twenty
    assert sum(bool(one.red) for one in played) <= ODD_FORTNIGHT * len(played)


def test_verdicts_do_not_depend_on_what_a_report_adds_for_its_reader():
    suite = shipped("support-triage", cases=3, samples=5)
    # A history with a suspected night, so that more than one verdict is compared.
    (history,) = histories(suite, [1])
    whole = play(history)
    with verdicts_only():
        short = play(history)
    assert (short.verdicts, short.suspect) == (whole.verdicts, whole.suspect)
    assert set(whole.verdicts) == {Verdict.QUIET, Verdict.INCONCLUSIVE}


@pytest.mark.calibration
@pytest.mark.parametrize("name", sorted(path.name for path in SUITES.iterdir()))
def test_five_hundred_quiet_fortnights_of_the_whole_suite_at_a_new_seed(name, capsys):
    first = int(os.environ.get("CONTRACTCHECK_SEED") or secrets.randbelow(10**6))
    suite = shipped(name)
    started = time.monotonic()
    played = play_all(histories(suite, range(first, first + 500)), plain=PLAIN)
    with capsys.disabled():
        print(describe(suite, played, PLAIN, time.monotonic() - started))  # noqa: T201 - the table is what this run is for
    red = sum(bool(one.red) for one in played)
    # 99.9 %: the seed is new every night, and a nightly run that cries wolf is worth nothing.
    assert clopper_pearson(red, len(played), 0.999).low <= ODD_FORTNIGHT
