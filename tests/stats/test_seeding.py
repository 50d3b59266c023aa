import itertools
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from contractcheck.stats.seeding import derive_generator

NAMES = st.lists(st.text(max_size=3), max_size=4)


def draw(purpose="compare", **names):
    return derive_generator(purpose, **{"suite": "s", **names}).bytes(16)


@given(NAMES, NAMES)
def test_the_order_of_cases_does_not_matter(cases, runs):
    draws = {draw(cases=order, runs=runs) for order in itertools.permutations(cases)}
    assert len(draws) == 1


@given(NAMES, NAMES, NAMES, NAMES)
def test_other_names_give_other_numbers(cases, runs, other_cases, other_runs):
    same = (sorted(cases), runs) == (sorted(other_cases), other_runs)
    assert same == (draw(cases=cases, runs=runs) == draw(cases=other_cases, runs=other_runs)) or (
        {"cases", "runs"} & {*cases, *runs, *other_cases, *other_runs}
    )


def test_purpose_suite_and_which_side_is_old_count():
    base = draw(runs=["old", "new"])
    assert base != draw("plan", runs=["old", "new"])
    assert base != draw(suite="t", runs=["old", "new"])
    assert base != draw(runs=["new", "old"])
    assert draw(cases=["ab"]) != draw(cases=["a", "b"])
    assert draw(cases=["a"]) != draw(runs=["a"])


def test_another_process_draws_the_same():
    code = (
        "from contractcheck.stats.seeding import derive_generator as d;"
        "print(d('compare', suite='s', cases=['b', 'a']).bytes(16).hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "3"},
    )
    assert done.stdout.strip() == draw(cases=["a", "b"]).hex()
