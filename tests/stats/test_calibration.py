"""Error rates of every two-sample method: valid under the null, awake under a change.

The randomised p is uniform wherever the test is exact, so it is held against the uniform
distribution; the reported p may only be larger. The short form has fixed seeds; the long one
(`-m calibration`) repeats it with more simulations and prints the rates.
"""

import json
import math
import zlib

import numpy as np
import pytest
import scipy.stats

from contractcheck.stats.intervals import clopper_pearson
from contractcheck.stats.methods import METHODS
from contractcheck.stats.samples import CaseSample, Stream

WORDS = (
    "certainly",
    "perhaps",
    "the",
    "refund",
    "order",
    "ticket",
    "priority",
    "is",
    "high",
    "low",
)
KINDS = [(name, kind) for name, method in METHODS.items() for kind in method.kinds]

# Per design: cases and their (baseline, candidate) sizes.
DESIGNS = {
    "one-by-one": [(1, 1)] * 30,
    "one-by-one-few": [(1, 1)] * 5,
    "two": [(2, 2)] * 12,
    "five": [(5, 5)] * 8,
    "ten": [(10, 10)] * 5,
    "one-case": [(10, 10)],
    "one-small-case": [(3, 3)],
    "unequal": [(12, 3)] * 6,
    "mixed": [(1, 1), (1, 4), (10, 2), (5, 5), (1, 1), (2, 3)],
}


def document(rng, place):
    """A JSON answer with categories, a number, an array, and now and then a hole or no JSON."""
    if rng.random() < 0.05:
        return "I would say: high"
    answer = {"priority": "abcdefgh"[place], "items": ["x"] * int(rng.integers(3))}
    if rng.random() < 0.7:
        answer["cost"] = float(place) if rng.random() < 0.8 else None
    return json.dumps(answer)


def calls(rng, place):
    """Tool calls whose number and arguments vary."""
    names = ["look_up", "refund"][: int(rng.choice(3, p=[0.1, 0.7, 0.2]))]
    arguments = {"order": "abcdefgh"[place]} if rng.random() < 0.9 else "{"
    return json.dumps([{"name": name, "arguments": arguments} for name in names])


def first_tokens(rng, place):
    """Log-probabilities as providers give them: the likeliest tokens, in steps of an eighth."""
    raw = -np.round(rng.exponential(2.0, 6) + 0.1 * place, 3)
    listed = np.argsort(-raw)[:4]
    return json.dumps({f"t{token}": float(np.round(raw[token] * 8) / 8) for token in listed})


def direction(rng, place):
    """One of a few directions of norm 1."""
    angle = 0.3 * place + 0.1 * int(rng.integers(3))
    return (math.cos(angle), math.sin(angle))


STRUCTURED = {
    "json": document,
    "tools": calls,
    "logprobs": first_tokens,
    "embedding": direction,
}


# Several streams each: the short form takes fewer designs and simulations, the long one all.
SHORT_DESIGNS = ("one-by-one-few", "one-small-case", "mixed")
SHORT_POWER = ("one-by-one", "five")


def value(kind, rng, skew):
    """One answer; heavy ties, and cases that differ."""
    place = min(int(rng.geometric(0.45)) + skew, 6)
    if kind in STRUCTURED:
        return STRUCTURED[kind](rng, place)
    if kind == "label":
        return "abcdefgh"[place]
    if kind == "number":
        return float(place) if rng.random() < 0.7 else float(rng.lognormal(place))
    return " ".join(rng.choice(WORDS[: place + 2], place + 1))


def null_cases(kind, sizes, rng, missing=0.0):
    cases = []
    for number, (n, m) in enumerate(sizes):
        values = [
            None if rng.random() < missing else value(kind, rng, number % 3) for _ in range(n + m)
        ]
        cases.append(
            CaseSample(case=f"c{number}", baseline={"m": values[:n]}, candidate={"m": values[n:]})
        )
    return cases


def simulate(method, kind, make_cases, rng, *, n_simulations, permutations):
    """Randomised p, reported p and smallest adjusted case p of each simulation."""
    rows = []
    for _ in range(n_simulations):
        result = METHODS[method].compare(
            make_cases(rng), [Stream(metric="m", kind=kind)], rng=rng, permutations=permutations
        )
        smallest = min(case.p_adjusted for case in result.cases)
        rows.append((result.randomised_p(rng.random()), result.p, smallest))
    return np.asarray(rows).T


def seeded(*names):
    return np.random.default_rng(zlib.crc32("/".join(names).encode()))


def simulations(kind):
    return 40 if kind in STRUCTURED else 120


def check_null(method, kind, design, *, n_simulations, permutations, missing=0.0):
    rng = seeded(method, kind, design, str(missing))
    randomised, reported, case_p = simulate(
        method,
        kind,
        lambda rng: null_cases(kind, DESIGNS[design], rng, missing),
        rng,
        n_simulations=n_simulations,
        permutations=permutations,
    )
    assert scipy.stats.kstest(randomised, "uniform").pvalue >= 1e-4
    assert np.all(reported >= randomised)
    assert np.all((reported > 0) & (reported <= 1))
    for level in (0.05, 0.1, 0.25, 0.5):
        for shares in (reported, case_p):
            cried = int(np.sum(shares <= level + 1e-9))
            assert clopper_pearson(cried, n_simulations, 0.9999).low <= level
    return float(np.mean(randomised <= 0.05)), float(np.mean(reported <= 0.05))


@pytest.mark.parametrize(
    ("method", "kind", "design"),
    [
        (method, kind, design)
        for method, kind in KINDS
        for design in (SHORT_DESIGNS if kind in STRUCTURED else DESIGNS)
    ],
)
def test_p_is_uniform_under_no_change(method, kind, design):
    check_null(method, kind, design, n_simulations=simulations(kind), permutations=79)


@pytest.mark.parametrize(("method", "kind"), KINDS)
def test_p_is_uniform_when_trials_are_missing_at_random(method, kind):
    n_simulations = simulations(kind)
    check_null(method, kind, "mixed", n_simulations=n_simulations, permutations=79, missing=0.3)


TIED = {
    "label": "a",
    "number": 0.1,
    "text": "same answer",
    "json": '{"a": [1, {"b": null}]}',
    "tools": '[{"name": "look_up", "arguments": {"order": "a"}}]',
    "logprobs": '{"Hello": -0.125, "Hi": -2.25}',
    "embedding": (0.6, 0.8),
}


@pytest.mark.parametrize(("method", "kind"), KINDS)
def test_all_tied_is_one_in_every_design(method, kind):
    tied = TIED[kind]
    for sizes in DESIGNS.values():
        cases = [
            CaseSample(case=str(i), baseline={"m": [tied] * n}, candidate={"m": [tied] * m})
            for i, (n, m) in enumerate(sizes)
        ]
        stream = Stream(metric="m", kind=kind)
        result = METHODS[method].compare(cases, [stream], rng=np.random.default_rng(0))
        assert result.p == 1.0
        assert result.randomised_p(0.25) == 0.25


def changed(kind, cases, rng, share):
    """A share of the candidate's answers gives way to one that was not there before."""
    new = {
        "label": "refused",
        "number": 1e4,
        "text": "I'm sorry, but I cannot help with that.",
        "json": '{"error": "refused", "items": []}',
        "tools": '[{"name": "escalate", "arguments": {"order": "z"}}]',
        "logprobs": '{"Sorry": -0.125, "t1": -9.0, "t2": -9.5}',
        "embedding": (-0.6, -0.8),
    }
    return [
        CaseSample(
            case=case.case,
            baseline=case.baseline,
            candidate={
                "m": [new[kind] if rng.random() < share else old for old in case.candidate["m"]]
            },
        )
        for case in cases
    ]


# Floors are well below what was measured (label/number/text): they catch a test gone blind.
POWER = [
    ("one-by-one", 0.4, 0.8),
    ("two", 0.4, 0.35),
    ("five", 0.3, 0.5),
    ("ten", 0.25, 0.55),
    ("one-case", 0.6, 0.5),
    ("unequal", 0.4, 0.5),
]


def measure_power(method, kind, design, share, *, n_simulations, permutations):
    _, reported, _ = simulate(
        method,
        kind,
        lambda rng: changed(kind, null_cases(kind, DESIGNS[design], rng), rng, share),
        seeded(method, kind, design, "power"),
        n_simulations=n_simulations,
        permutations=permutations,
    )
    return float(np.mean(reported <= 0.05))


@pytest.mark.parametrize(
    ("method", "kind", "design", "share", "floor"),
    [
        (method, kind, *row)
        for method, kind in KINDS
        for row in POWER
        if kind not in STRUCTURED or row[0] in SHORT_POWER
    ],
)
def test_a_change_is_found(method, kind, design, share, floor):
    n_simulations = 12 if kind in STRUCTURED else 40
    power = measure_power(method, kind, design, share, n_simulations=n_simulations, permutations=99)
    assert power >= floor


@pytest.mark.parametrize(("method", "kind"), KINDS)
def test_one_wholly_changed_case_of_many_is_found_and_named(method, kind):
    rng = seeded(method, kind, "one of many")
    found = named_wrongly = 0
    n_simulations = 5 if kind in STRUCTURED else 15
    for _ in range(n_simulations):
        cases = null_cases(kind, [(10, 10)] * 20, rng)
        cases[7:8] = changed(kind, cases[7:8], rng, 1.0)
        stream = Stream(metric="m", kind=kind)
        result = METHODS[method].compare(cases, [stream], rng=rng, permutations=199)
        named = {case.case for case in result.cases if case.p_adjusted <= 0.05}
        found += "c7" in named and result.changed
        named_wrongly += bool(named - {"c7"})
    assert found >= 0.85 * n_simulations
    assert clopper_pearson(named_wrongly, n_simulations, 0.999).low <= 0.05


@pytest.mark.calibration
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(("method", "kind"), KINDS)
def test_p_is_uniform_under_no_change_long(method, kind, design):
    rates = [
        check_null(method, kind, design, n_simulations=2000, permutations=199, missing=missing)
        for missing in (0.0, 0.2)
    ]
    spread = 4 * math.sqrt(0.05 * 0.95 / 2000)
    for randomised, reported in rates:
        assert abs(randomised - 0.05) <= spread
        assert reported <= 0.05 + spread
    print(f"{method} {kind} {design}: null at .05 randomised/reported {rates}")  # noqa: T201 - the nightly log is where rates are read


@pytest.mark.calibration
@pytest.mark.parametrize(("design", "share", "floor"), POWER)
@pytest.mark.parametrize(("method", "kind"), KINDS)
def test_a_change_is_found_long(method, kind, design, share, floor):
    power = measure_power(method, kind, design, share, n_simulations=500, permutations=499)
    assert power >= floor
    print(f"{method} {kind} {design}: power {power:.3f} at a share of {share}")  # noqa: T201 - as above
