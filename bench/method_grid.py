"""Every line of contractcheck.stats.methods on a grid of made-up samples, changed and unchanged.

    python bench/method_grid.py [--simulations 400] [--seed N] > methods.md

A configuration is a method, a kind of output, a number of trials per case and side, and a shape.
Under no change the sides are exchangeable in every one of them, so the *randomised* p (ties split
at random: Lehmann and Romano 2005, section 15.2) is uniform and the reported p at least as large.
For latency the unit is the block, so n counts blocks. tests/calibration asserts on the same draws.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import math
import secrets
import zlib
from dataclasses import dataclass

import numpy as np

from contractcheck.stats.latency import TimedTrial
from contractcheck.stats.methods import LATENCY_METHODS, METHODS, RATE_METHODS
from contractcheck.stats.outputs import Output
from contractcheck.stats.rates import RateCase
from contractcheck.stats.samples import CaseSample

SIZES = (1, 2, 5, 10, 20)
SHAPES = ("plain", "heavy ties", "all tied", "unequal", "one case", "200 cases", "missing")
PERMUTATIONS = 79

_CASES = {1: 24, 2: 12, 5: 6, 10: 4, 20: 3}
_MISSING = 0.3
_POOL = 200
_DIMENSIONS = 16
_WORDS = ("certainly", "perhaps", "the", "refund", "order", "ticket", "is", "high", "low")


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """One cell of the grid.

    Attributes:
        method: Key of the family's table of methods.
        kind: Kind of output, ``rate`` or ``latency``.
        n: Trials per case and side, where the shape says no other.
        shape: One of ``SHAPES``.
    """

    method: str
    kind: str
    n: int
    shape: str

    @property
    def exact(self) -> bool:
        """Whether the randomised p is uniform, or may only be larger."""
        return self.kind != "latency" or LATENCY_METHODS[self.method].exact

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Trials of baseline and candidate, per case."""
        cases = {"one case": 1, "200 cases": 200}.get(self.shape, _CASES[self.n])
        n, more = self.n, 2 * self.n + 1
        mixed = ((n, more), (more, n), (1, 1)) if self.shape == "unequal" else ((n, n),)
        return tuple(mixed[case % len(mixed)] for case in range(cases))

    def generator(self, seed: object) -> np.random.Generator:
        """Random numbers of this cell, the same for the same seed."""
        name = f"{seed}/{self.method}/{self.kind}/{self.n}/{self.shape}"
        return np.random.default_rng(zlib.crc32(name.encode()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One case on both sides: values, events, or (block, seconds)."""

    case: str
    old: list
    new: list


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a method said.

    Attributes:
        p: Reported p.
        p_below: The part of p that is strictly more extreme.
        case_p: Smallest adjusted p of a case; 1 where the method looks at none.
        missed: Whether an interval of 95 % leaves out "no change"; outputs have one per metric.
        all: Everything else.
    """

    p: float
    p_below: float
    case_p: float
    missed: bool
    all: object

    def randomised(self, uniform: float) -> float:
        return self.p_below + uniform * (self.p - self.p_below)


def lines() -> list[tuple[str, str]]:
    """Every method with every kind that it compares."""
    return [
        *((name, kind) for name, method in METHODS.items() for kind in method.kinds),
        *((name, "rate") for name in RATE_METHODS),
        *((name, "latency") for name in LATENCY_METHODS),
    ]


def cells(method: str, kind: str) -> list[Configuration]:
    return [
        Configuration(method=method, kind=kind, n=n, shape=shape) for shape in SHAPES for n in SIZES
    ]


def draw(cell: Configuration, rng: np.random.Generator, change: float = 0.0) -> list[Pair]:
    """Draw both sides.

    Args:
        cell: What to draw.
        rng: Source of the draws.
        change: Share of the candidate's answers that become a new one, or of its events that do
            not happen; for latency the growth of log time.
    """
    if cell.kind == "latency":
        return _draw_times(cell, rng, change)
    pairs = []
    for number, (n, m) in enumerate(cell.sizes):
        values = _draw_values(cell, rng, number % 3, n + m)
        struck = rng.random(m) < change
        news = [NEW[cell.kind] if new else old for old, new in zip(values[n:], struck, strict=True)]
        if cell.shape == "missing":
            lost = rng.random(n + m) < _MISSING
            values = [None if gone else value for value, gone in zip(values, lost, strict=True)]
            news = [None if gone else value for value, gone in zip(news, lost[n:], strict=True)]
        pairs.append(Pair(case=f"c{number:03}", old=values[:n], new=news))
    return pairs


def ask(
    cell: Configuration,
    pairs: list[Pair],
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> Said:
    """Run the cell's method."""
    if cell.kind == "latency":
        sides = (_timed(pairs, "old"), _timed(pairs, "new"))
        found = LATENCY_METHODS[cell.method].compare(*sides)
        below, missed = 2 * found.mid_p - found.p, not found.low <= 1 <= found.high
        return Said(p=found.p, p_below=below, case_p=1.0, missed=missed, all=found)
    if cell.kind == "rate":
        # A case of which one side is lost whole cannot be compared; the others can.
        cases = [case for pair in pairs if (case := _rate_case(pair)) is not None]
        if not cases:
            return Said(p=1.0, p_below=0.0, case_p=1.0, missed=False, all=None)
        found = RATE_METHODS[cell.method].compare(cases)
        below, missed = max(0.0, 2 * found.mid_p - found.p), not found.low <= 0 <= found.high
    else:
        samples = [
            CaseSample(case=pair.case, baseline={"m": pair.old}, candidate={"m": pair.new})
            for pair in pairs
        ]
        outputs = [Output(metric="m", kind=cell.kind)]
        compare = METHODS[cell.method].compare
        found = compare(samples, outputs, rng=rng, permutations=permutations)
        below, missed = found.p_below, False
    case_p = min(case.p_adjusted for case in found.cases)
    return Said(p=found.p, p_below=below, case_p=case_p, missed=missed, all=found)


def play(
    cell: Configuration, rng: np.random.Generator, simulations: int, change: float = 0.0
) -> np.ndarray:
    """(simulations, 4): randomised p, reported p, smallest p of a case, interval missed."""
    rows = []
    for _ in range(simulations):
        said = ask(cell, draw(cell, rng, change), rng)
        rows.append((said.randomised(rng.random()), said.p, said.case_p, said.missed))
    return np.asarray(rows)


def digest(seed: int) -> str:
    """Hash of everything that every line says about one small draw of each shape."""
    found = hashlib.sha256()
    for method, kind in lines():
        for shape in SHAPES:
            cell = Configuration(method=method, kind=kind, n=2, shape=shape)
            rng = cell.generator(seed)
            found.update(repr(ask(cell, draw(cell, rng), rng)).encode())
    return found.hexdigest()


def _draw_values(cell: Configuration, rng: np.random.Generator, skew: int, size: int) -> list:
    if cell.kind == "rate":
        rate = {"all tied": 1.0, "heavy ties": 0.97}.get(cell.shape, (0.8, 0.5, 0.97)[skew])
        return (rng.random(size) < rate).tolist()
    pool = _pool(cell.kind, skew)
    if cell.shape == "all tied":
        return [pool[0]] * size
    if cell.shape == "heavy ties":
        return [pool[place] for place in rng.choice(3, size, p=[0.8, 0.15, 0.05])]
    return [pool[place] for place in rng.integers(0, len(pool), size)]


def _draw_times(cell: Configuration, rng: np.random.Generator, growth: float) -> list[Pair]:
    """Times that share their block, and on each side the half of what a block does to it."""
    sizes = cell.sizes if cell.shape in {"one case", "200 cases"} else cell.sizes[:4]
    n, m = sizes[0]
    shared = 0.5 * rng.normal(size=max(n, m))
    own = [0.2 * rng.standard_t(3, max(n, m)) for _ in range(2)]
    step = 0.5 if cell.shape == "heavy ties" else 0.0
    pairs = []
    for number in range(len(sizes)):
        sides = []
        for blocks, effect, moved in ((n, own[0], 0.0), (m, own[1], growth)):
            logs = shared[:blocks] + effect[:blocks] + 0.3 * rng.standard_t(3, blocks) + moved
            if step:
                logs = step * np.round(logs / step)
            if cell.shape == "all tied":
                logs = np.zeros(blocks)
            kept = rng.random(blocks) >= (_MISSING if cell.shape == "missing" else 0.0)
            kept[0] |= number == 0  # one pair is left
            sides.append(
                [
                    (int(block), math.inf if logs[block] > 2.5 else math.exp(logs[block]))
                    for block in np.flatnonzero(kept)
                ]
            )
        pairs.append(Pair(case=f"c{number:03}", old=sides[0], new=sides[1]))
    return pairs


def _timed(pairs: list[Pair], side: str) -> list[TimedTrial]:
    return [
        TimedTrial(case=pair.case, block=block, latency_s=seconds)
        for pair in pairs
        for block, seconds in getattr(pair, side)
    ]


def _rate_case(pair: Pair) -> RateCase | None:
    old, new = ([event for event in side if event is not None] for side in (pair.old, pair.new))
    if not old or not new:
        return None
    return RateCase(
        case=pair.case,
        baseline_events=sum(old),
        n_baseline=len(old),
        candidate_events=sum(new),
        n_candidate=len(new),
    )


def _label(rng: np.random.Generator, place: int) -> str:  # noqa: ARG001 - one of several of a kind
    return "abcdefgh"[place]


def _number(rng: np.random.Generator, place: int) -> float:
    return float(place) if rng.random() < 0.3 else float(rng.lognormal(place))


def _text(rng: np.random.Generator, place: int) -> str:
    return " ".join(rng.choice(_WORDS[: place + 2], place + 1))


def _document(rng: np.random.Generator, place: int) -> str:
    """A JSON answer with categories, a number, an array, and now and then a hole or no JSON."""
    if rng.random() < 0.05:
        return "I would say: high"
    answer = {"priority": "abcdefgh"[place], "items": ["x"] * int(rng.integers(3))}
    if rng.random() < 0.7:
        answer["cost"] = float(place) if rng.random() < 0.8 else None
    return json.dumps(answer)


def _calls(rng: np.random.Generator, place: int) -> str:
    """Tool calls whose number and arguments vary."""
    names = ["look_up", "refund"][: int(rng.choice(3, p=[0.1, 0.7, 0.2]))]
    arguments = {"order": "abcdefgh"[place]} if rng.random() < 0.9 else "{"
    return json.dumps([{"name": name, "arguments": arguments} for name in names])


def _first_tokens(rng: np.random.Generator, place: int) -> str:
    """Log-probabilities as providers give them: the likeliest tokens, in steps of an eighth."""
    raw = -np.round(rng.exponential(2.0, 6) + 0.1 * place, 3)
    listed = np.argsort(-raw)[:4]
    return json.dumps({f"t{token}": float(np.round(raw[token] * 8) / 8) for token in listed})


def _direction(rng: np.random.Generator, place: int) -> tuple[float, float]:
    angle = 0.3 * place + 0.1 * rng.normal()
    return (math.cos(angle), math.sin(angle))


def _vector(rng: np.random.Generator, place: int) -> str:
    """An embedding as it is recorded; in few dimensions, but more than signs can tie in."""
    center = np.zeros(_DIMENSIONS)
    center[place] = 1.0
    return json.dumps((center + 0.05 * rng.normal(size=_DIMENSIONS)).round(6).tolist())


_MAKERS = {
    "label": _label,
    "number": _number,
    "text": _text,
    "json": _document,
    "tools": _calls,
    "logprobs": _first_tokens,
    "embedding": _direction,
    "vector": _vector,
}
NEW = {
    "rate": False,
    "label": "refused",
    "number": 1e4,
    "text": "I'm sorry, but I cannot help with that.",
    "json": '{"error": "refused", "items": []}',
    "tools": '[{"name": "escalate", "arguments": {"order": "z"}}]',
    "logprobs": '{"Sorry": -0.125, "t1": -9.0, "t2": -9.5}',
    "embedding": (-0.6, -0.8),
    "vector": json.dumps([-0.25] * _DIMENSIONS),
}
"""What a changed answer becomes: one that was not there before."""


@functools.cache
def _pool(kind: str, skew: int) -> list:
    """The answers that one case may give, fixed once and for all."""
    rng = np.random.default_rng(zlib.crc32(f"{kind}/{skew}".encode()))
    places = np.minimum(rng.geometric(0.45, _POOL) + skew, 6)
    return [_MAKERS[kind](rng, int(place)) for place in places]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    print(f"Seed {seed}, {options.simulations} simulations a cell; 200 cases: a tenth.\n")
    print("| method, kind | n | " + " | ".join(SHAPES) + " |")
    print("|---" * (len(SHAPES) + 2) + "|")
    for method, kind in lines():
        for n in SIZES:
            rates = []
            for shape in SHAPES:
                cell = Configuration(method=method, kind=kind, n=n, shape=shape)
                count = max(1, options.simulations // (10 if shape == "200 cases" else 1))
                found = np.mean(play(cell, cell.generator(seed), count)[:, :2] <= 0.05, axis=0)
                rates.append(f"{found[0]:.3f} / {found[1]:.3f}")
            print(f"| {method}, {kind} | {n} | " + " | ".join(rates) + " |", flush=True)


if __name__ == "__main__":
    main()
