"""One timing of the comparison engine in a fresh process, for `engine.py` and `engine_growth.py`.

Reads a design from the command line, prints one JSON line: processor seconds, and the peak of
memory above what the imports and the data take.
"""

import argparse
import json
import resource
import time

import numpy as np

from contractcheck.stats.layout import lay_out
from contractcheck.stats.multiplicity import case_shares, step_down_max, tail_shares
from contractcheck.stats.permutation import View, relabel
from contractcheck.stats.samples import CaseSample, Stream
from contractcheck.stats.two_sample import compare_samples

SYMBOLS = 90
"""Code points are drawn from this many, printable ASCII from the space on."""


def draw(design, rng):
    """Code points (C, N, L) as the rival takes them; one character each."""
    shape = (design.cases, design.old + design.new, design.length)
    return rng.integers(32, 32 + SYMBOLS, shape, dtype=np.uint8)


def one_kernel(points, design, rng):
    """The rival's statistic, inside cases: the exact Hamming kernel, p, and which cases."""
    n_cases, n_trials, _ = points.shape
    rows = np.empty((n_cases * n_trials, n_trials))
    for place, own in enumerate(points):
        gram = np.stack([np.count_nonzero(own == row, axis=1) for row in own]).astype(float)
        values, vectors = np.linalg.eigh(gram)
        rows[place * n_trials : (place + 1) * n_trials] = vectors * np.sqrt(np.maximum(values, 0))
    layout = lay_out([(design.old, design.new)] * n_cases)
    view = View(metric=0, within=rows, common=None)
    found = relabel(layout, [view], permutations=design.permutations, rng=rng)
    p = tail_shares(found.statistics[:, :1], found.tolerances[:1])[0, 0]
    return p, case_shares(found.case_scores), step_down_max(found.case_scores)


def full_engine(texts, design, rng):
    """Every statistic of a text, effects with intervals, metrics and cases."""
    cases = [
        CaseSample(
            case=f"{place:04}",
            baseline={"text": own[: design.old]},
            candidate={"text": own[design.old :]},
        )
        for place, own in enumerate(texts)
    ]
    stream = Stream(metric="text", kind="text")
    return compare_samples(cases, [stream], rng=rng, permutations=design.permutations)


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["kernel", "full"])
    for name in ("cases", "old", "new", "length", "permutations", "seed"):
        parser.add_argument(f"--{name}", type=int, required=True)
    design = parser.parse_args()
    rng = np.random.default_rng(design.seed)
    data, work = draw(design, rng), one_kernel
    if design.what == "full":
        data = [[row.tobytes().decode("ascii") for row in own] for own in data]
        work = full_engine
    small = argparse.Namespace(cases=2, old=3, new=3, length=5, permutations=9)
    warm = draw(small, rng)
    work(warm if work is one_kernel else [["a b"] * 6] * 2, small, rng)
    before = peak_mb()
    start = time.process_time()
    work(data, design, rng)
    cpu_s = time.process_time() - start
    print(json.dumps({"cpu_s": cpu_s, "memory_mb": peak_mb() - before}))


if __name__ == "__main__":
    main()
