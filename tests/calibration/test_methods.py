"""Every method on every cell of the grid of ``bench/method_grid.py``: valid, symmetric, awake.

The randomised p is uniform in every cell, since sides are exchangeable in all of them; the
reported p may only be larger. The short form has one fixed seed. The long form (`-m calibration`)
draws one and prints it; ``CONTRACTCHECK_SEED`` repeats it.
"""

import os
import random
import secrets
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from method_grid import (
    NEW,
    SHAPES,
    SIZES,
    Configuration,
    Pair,
    ask,
    cells,
    digest,
    draw,
    lines,
    play,
)

from contractcheck.stats.intervals import clopper_pearson

SEED = 20_261_121
LINES = lines()
EXPENSIVE = {"json": 4, "tools": 4}  # several streams each
LEVELS = (0.05, 0.1, 0.25, 0.5)
# The chance of any false alarm of all tests of uniformity of one run: of every cell, of every
# line's cells together, and of every shape of a line.
FAMILY_WISE = 0.01
N_TESTS = len(LINES) * (len(SIZES) * len(SHAPES) + 1 + len(SHAPES))
# As wide a bound for the rates, of which there are two kinds per level, shape and line.
CONFIDENCE = 1 - FAMILY_WISE / (2 * 2 * len(LEVELS) * len(SHAPES) * len(LINES))


def simulations(cell, many):
    count = many // EXPENSIVE.get(cell.kind, 1)
    return max(1, count // 20 if cell.shape == "200 cases" else count)


def require_uniform(values, where):
    found = scipy.stats.kstest(values, "uniform").pvalue
    assert found >= FAMILY_WISE / N_TESTS, (where, found)


def require_rare(p, where):
    for level in LEVELS:
        cried = int(np.sum(p <= level + 1e-9))
        assert clopper_pearson(cried, len(p), CONFIDENCE).low <= level, (where, level, cried)


def check_line(method, kind, *, seed, many):
    """All cells of a line; returns per shape the rates at .05, randomised and reported."""
    found = {}
    for cell in cells(method, kind):
        rows = play(cell, cell.generator(seed), simulations(cell, many))
        randomised, reported, case_p, _ = rows.T
        assert np.all((reported > 0) & (reported <= 1) & (case_p > 0) & (case_p <= 1)), cell
        assert np.all(reported >= randomised - 1e-12), cell
        if cell.shape == "all tied":
            assert np.all(reported == 1), cell
        if cell.exact:
            require_uniform(randomised, cell)
        found.setdefault(cell.shape, []).append(rows)
    shapes = {shape: np.concatenate(rows) for shape, rows in found.items()}
    for shape, rows in shapes.items():
        if cell.exact:
            require_uniform(rows[:, 0], (method, kind, shape))
        for place in (1, 2):
            require_rare(rows[:, place], (method, kind, shape))
        missed = int(rows[:, 3].sum())
        assert clopper_pearson(missed, len(rows), CONFIDENCE).low <= 0.05, (kind, shape, missed)
    if cell.exact:
        require_uniform(np.concatenate([*shapes.values()])[:, 0], (method, kind))
    return {shape: np.mean(rows[:, :2] <= 0.05, axis=0) for shape, rows in shapes.items()}


@pytest.mark.parametrize(("method", "kind"), LINES)
def test_p_is_uniform_where_nothing_changed(method, kind):
    check_line(method, kind, seed=SEED, many=20)


def swapped(pairs):
    return [Pair(case=pair.case, old=pair.new, new=pair.old) for pair in pairs]


@pytest.mark.parametrize(("method", "kind"), LINES)
def test_names_of_sides_and_order_of_cases_play_no_part(method, kind):
    """Where all relabellings are gone through, to the digit; where they are drawn, near enough."""
    permutations = 199
    for cell in cells(method, kind):
        if cell.shape == "200 cases" and cell.n > 1:
            continue
        pairs = draw(cell, cell.generator(SEED), change=0.2)
        shuffled = random.Random(SEED).sample(pairs, len(pairs))  # noqa: S311 - an order, not a key
        said, again, other, back = (
            ask(cell, one, np.random.default_rng(5), permutations)
            for one in (pairs, pairs, shuffled, swapped(pairs))
        )
        assert repr(again).encode() == repr(said).encode(), cell
        # Exact rates are sums over cases, whose last digit is that of their order.
        for name in ("p", "p_below", "case_p"):
            found, expected = getattr(other, name), getattr(said, name)
            assert found == pytest.approx(expected, rel=1e-9 if kind == "rate" else 0), (cell, name)
        drawn = kind not in {"rate", "latency"} and not said.all.exact
        # Two shares of 200 differ by 5 standard errors once in two million times; the smallest p
        # of several streams is about three times as uncertain as a share.
        errors = 15 if kind in EXPENSIVE else 5
        spread = errors * np.sqrt(2 * said.p * (1 - said.p) / (permutations + 1)) + 0.05
        assert back.p == pytest.approx(said.p, abs=spread if drawn else 1e-9), cell


def test_another_process_says_the_same():
    """Whatever order its sets and dictionaries of text have."""
    bench = os.fspath(next(path for path in sys.path if path.endswith("bench")))
    code = f"import sys; sys.path.insert(0, {bench!r}); from method_grid import digest; print(digest(3))"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == digest(3)


# Share of answers (of events, for latency the growth of log time) that changes, and how often that
# must be found at least: per line, n = 1, 2, 5, 10 and 20. Floors lie well below what was
# measured: they catch a test gone blind. Fewer than six blocks cannot reach .05.
CHANGE = {"rate": 0.4, "latency": 1.5}
FLOORS = {
    "rate": (0.2, 0.4, 0.5, 0.5, 0.5),
    "latency": (0.0, 0.0, 0.0, 0.6, 0.8),
}


@pytest.mark.parametrize(("method", "kind"), LINES)
def test_a_change_is_found(method, kind):
    for n, floor in zip(SIZES, FLOORS.get(kind, (0.5,) * len(SIZES)), strict=True):
        cell = Configuration(method=method, kind=kind, n=n, shape="plain")
        found = play(cell, cell.generator(SEED), 16, CHANGE.get(kind, 0.5))
        assert np.mean(found[:, 1] <= 0.05) >= floor, cell


@pytest.mark.parametrize("shape", ["unequal", "one case", "200 cases", "missing", "heavy ties"])
@pytest.mark.parametrize(("method", "kind"), LINES)
def test_a_great_change_is_found_in_every_shape(method, kind, shape):
    n = 20 if kind in FLOORS and shape != "200 cases" else 10
    cell = Configuration(method=method, kind=kind, n=n, shape=shape)
    many = 1 if shape == "200 cases" else 6
    found = play(cell, cell.generator(SEED), many, CHANGE.get(kind, 0.5) * 1.5)
    assert np.mean(found[:, 1] <= 0.05) >= 0.5


@pytest.mark.parametrize(("method", "kind"), [line for line in LINES if line[1] != "latency"])
def test_one_wholly_changed_case_of_many_is_found_and_named(method, kind):
    cell = Configuration(method=method, kind=kind, n=10, shape="200 cases")
    rng = cell.generator(SEED)
    simulated = 4 if kind in EXPENSIVE else 10
    found = named_wrongly = 0
    for _ in range(simulated):
        pairs = draw(cell, rng)[:20]
        pairs[6] = replace(pairs[6], new=[NEW[kind]] * 10)
        said = ask(cell, pairs, rng, permutations=199)
        named = {case.case for case in said.all.cases if case.p_adjusted <= 0.05}
        found += "c006" in named and (said.p <= 0.05 or kind == "rate")
        named_wrongly += bool(named - {"c006"})
    assert found >= 0.6 * simulated
    assert clopper_pearson(named_wrongly, simulated, 0.999).low <= 0.05


@pytest.fixture(scope="module")
def new_seed():
    return int(os.environ.get("CONTRACTCHECK_SEED") or secrets.randbelow(10**6))


@pytest.mark.calibration
@pytest.mark.parametrize(("method", "kind"), LINES)
def test_p_is_uniform_where_nothing_changed_long(method, kind, new_seed, capsys):
    with capsys.disabled():
        print(f"\n{method}, {kind}: seed {new_seed}")  # noqa: T201 - says how to repeat it
    rates = check_line(method, kind, seed=new_seed, many=600)
    with capsys.disabled():
        for shape, (randomised, reported) in rates.items():
            print(f"  {shape}: at .05 {randomised:.3f} randomised, {reported:.3f} reported")  # noqa: T201 - read in the nightly log


@pytest.mark.calibration
@pytest.mark.parametrize(("method", "kind"), LINES)
def test_a_change_is_found_long(method, kind, new_seed, capsys):
    for n, floor in zip(SIZES, FLOORS.get(kind, (0.5,) * len(SIZES)), strict=True):
        cell = Configuration(method=method, kind=kind, n=n, shape="plain")
        found = play(cell, cell.generator(new_seed), 200, CHANGE.get(kind, 0.5))
        power = float(np.mean(found[:, 1] <= 0.05))
        with capsys.disabled():
            print(f"\n{method}, {kind}, n = {n}: seed {new_seed}, power {power:.3f}")  # noqa: T201 - as above
        assert power >= floor
