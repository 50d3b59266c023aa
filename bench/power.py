"""How often each silent change is found, beside model-equality-testing on the same draws.

    python bench/power.py [--draws 200] [--seed 0] [--rival-python PATH] > power.md

Twenty-five prompts, ten answers a side. Answers come from the simulator in process: every prompt is
asked a few dozen times in one night, unchanged and with a change in force, and each draw deals
distinct requests to the two sides, so that no answer stands on both. The rival sees the texts as
words, through both of its kernels (rival_mmd.py); with --rival-python, an interpreter that has the
package, the restatement is held against it first.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import re
import zlib
from dataclasses import dataclass
from functools import partial

import numpy as np
from answer_pools import PROMPTS, Pool, fill, free_suite, suite_of
from rival_mmd import ask_package, hamming_grams, mmd_p, mmd_statistics, spectrum_grams

from contractcheck.simulator import CHANGES, parse_change
from contractcheck.simulator.refusals import write_refusal
from contractcheck.stats.latency import TimedTrial
from contractcheck.stats.methods import LATENCY_METHODS, METHODS, RATE_METHODS
from contractcheck.stats.rates import RateCase
from contractcheck.stats.samples import CaseSample

PER_SIDE = 10
PERMUTATIONS = 399
LEVEL = 0.05
CHANGED_POOL = 40
CORPUS_POOL = 160
TIMING = "block-signed-ranks"  # requests of a draw are dealt at random: no neighbours

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Where a change is looked for, and both states."""

    plane: str
    old: Pool
    new: Pool


def tokens_of(texts):
    """(P, N, L) words of N texts per prompt, padded with 0."""
    words = [
        [
            [zlib.crc32(word.encode()) % (2**31 - 1) + 1 for word in _WORD.findall(text)]
            for text in own
        ]
        for own in texts
    ]
    longest = max(len(row) for own in words for row in own)
    return np.array([[row + [0] * (longest - len(row)) for row in own] for own in words])


def deal(rng, n_requests, weights=None):
    """(P, 20) distinct requests per case; the last ten are the candidate's, drawn by weight."""
    dealt = []
    for place in range(PROMPTS):
        order = rng.permutation(n_requests)
        rest = order[PER_SIDE:]
        if weights is not None:
            # The largest of log weight + Gumbel noise is a draw without replacement.
            keys = np.log(weights[place][rest]) + rng.gumbel(size=rest.size)
            rest = rest[np.argsort(-keys)]
        dealt.append([*order[:PER_SIDE], *rest[:PER_SIDE]])
    return np.array(dealt)


def pick(row, dealt):
    """Texts and values of both sides of one draw: (texts per case, samples)."""
    texts = [
        [row.old.texts[place][i] for i in own[:PER_SIDE]]
        + [row.new.texts[place][i] for i in own[PER_SIDE:]]
        for place, own in enumerate(dealt)
    ]
    samples = [
        CaseSample(
            case=case,
            baseline=_picked(row.old.values[case], own[:PER_SIDE]),
            candidate=_picked(row.new.values[case], own[PER_SIDE:]),
        )
        for case, own in zip(row.old.values, dealt, strict=True)
    ]
    return texts, samples


def compare_outputs(row, dealt, samples, rng):  # noqa: ARG001 - one of three of a kind
    (method,) = METHODS.values()
    return method.compare(samples, row.old.outputs, rng=rng, permutations=PERMUTATIONS).p


def compare_conformance(row, dealt, samples, rng):  # noqa: ARG001 - as above
    sides = ((row.old, dealt[:, :PER_SIDE]), (row.new, dealt[:, PER_SIDE:]))
    old, new = (np.take_along_axis(pool.kept, one, axis=1).sum(axis=1) for pool, one in sides)
    cases = [
        RateCase(
            case=case,
            baseline_events=int(old[place]),
            n_baseline=PER_SIDE,
            candidate_events=int(new[place]),
            n_candidate=PER_SIDE,
        )
        for place, case in enumerate(row.old.values)
    ]
    (method,) = RATE_METHODS.values()
    return method.compare(cases).p


def compare_latency(row, dealt, samples, rng):  # noqa: ARG001 - as above
    sides = ((row.old, dealt[:, :PER_SIDE]), (row.new, dealt[:, PER_SIDE:]))
    return LATENCY_METHODS[TIMING].compare(*(_timed(pool.ttft_s, one) for pool, one in sides)).p


PLANES = {
    "outputs": compare_outputs,
    "conformance": compare_conformance,
    "latency": compare_latency,
}


def _picked(columns, chosen):
    return {metric: [column[i] for i in chosen] for metric, column in columns.items()}


def _timed(times, chosen):
    return [
        TimedTrial(case=str(place), block=block, latency_s=float(times[place, request]))
        for place, own in enumerate(chosen)
        for block, request in enumerate(own)
    ]


def play(row, rng, draws, weights=None, rewrite=None):
    """(draws, 3): our p and those of the rival's two kernels."""
    found = []
    for _ in range(draws):
        dealt = deal(rng, len(row.old.texts[0]), weights)
        texts, samples = pick(row, dealt)
        if rewrite is not None:
            texts, samples = rewrite(texts, rng)
        tokens = tokens_of(texts)
        grams = [hamming_grams(tokens), spectrum_grams(tokens)]
        rival = mmd_p(grams, PER_SIDE, rng, PERMUTATIONS + 1)
        found.append((PLANES[row.plane](row, dealt, samples, rng), *rival))
    return np.array(found)


def refusing(share, cases=PROMPTS):
    """Rewrite a share of the candidate's answers of the first ``cases`` cases as refusals."""

    def rewrite(texts, rng):
        words = random.Random(int(rng.integers(2**32)))  # noqa: S311 - answers, not keys
        struck = rng.random((cases, PER_SIDE)) < share
        changed = [list(own) for own in texts]
        for place, answer in np.argwhere(struck):
            changed[place][PER_SIDE + answer] = "".join(t.text for t in write_refusal(words))
        samples = [
            CaseSample(
                case=f"p{place:02}",
                baseline={"text": own[:PER_SIDE]},
                candidate={"text": own[PER_SIDE:]},
            )
            for place, own in enumerate(changed)
        ]
        return changed, samples

    return rewrite


def wording(pool, seed, tilt):
    """Weights of a hidden tilt: exp(tilt x score), the score of an answer its green words.

    Half of all words are green; scores have mean 0 and standard deviation 1 within a prompt.
    """

    def is_green(word):
        return zlib.crc32(f"{seed}/{word.lower()}".encode()) & 1

    counts = np.array([[sum(map(is_green, _WORD.findall(t))) for t in own] for own in pool.texts])
    spread = counts.std(axis=1, keepdims=True)
    return np.exp(tilt * (counts - counts.mean(axis=1, keepdims=True)) / spread)


def sharper_openings(pool):
    """Weights that halve the temperature of the first word: its own frequency once more."""
    firsts = [[_WORD.findall(text)[0] for text in own] for own in pool.texts]
    return np.array([[own.count(word) / len(own) for word in own] for own in firsts])


TILTS = {
    "nothing": lambda corpus, seed: {},  # noqa: ARG005 - one of several of a kind
    "wording tilt 0.3": lambda corpus, seed: {"weights": wording(corpus, seed, 0.3)},
    "wording tilt 0.6": lambda corpus, seed: {"weights": wording(corpus, seed, 0.6)},
    "10 % refusals": lambda corpus, seed: {"rewrite": refusing(0.1)},  # noqa: ARG005 - as above
    "5 % refusals": lambda corpus, seed: {"rewrite": refusing(0.05)},  # noqa: ARG005 - as above
    "2 of 25 cases, 50 % refusals": lambda corpus, seed: {"rewrite": refusing(0.5, cases=2)},  # noqa: ARG005 - as above
    "first word at half the temperature": lambda corpus, seed: {  # noqa: ARG005 - as above
        "weights": sharper_openings(corpus)
    },
}
SIMULATED = {
    "support-triage": (
        "refusals=0.05",
        "temperature=1.5",
        "temperature=0.67",
        "truncation=0.05",
        "json_format=0.05",
        "renamed_field=0.05",
        "finish_reason=0.05",
        "slow_first_token=1.25",
    ),
    "order-tools": (
        "refusals=0.05",
        "temperature=1.5",
        "tool_argument_type=0.05",
    ),
}
NOTHING = "nothing"


def tilted(name, seed, draws):
    """Shares found of one tilt of the plain questions."""
    corpus = fill(free_suite(CORPUS_POOL), seed)
    row = Row(plane="outputs", old=corpus, new=corpus)
    return play(row, _generator(seed, "tilt", name), draws, **TILTS[name](corpus, seed))


def simulated(suite_name, plane, change, seed, draws):
    """Shares found of one change of the simulator."""
    suite = suite_of(suite_name, CHANGED_POOL)
    old = fill(suite, seed)
    new = old if change == NOTHING else fill(suite, seed, (parse_change(change),))
    rng = _generator(seed, suite_name, plane, change)
    return play(Row(plane=plane, old=old, new=new), rng, draws)


def tables(only):
    """Title, and per row its name, its plane, and how to play it."""
    tilts = [(name, "outputs", partial(tilted, name)) for name in TILTS]
    found = [("plain questions, tilted answers", tilts)]
    for suite, changes in SIMULATED.items():
        named = [*((NOTHING, plane) for plane in PLANES)]
        named += [(change, CHANGES[change.partition("=")[0]].plane) for change in changes]
        rows = [(name, plane, partial(simulated, suite, plane, name)) for name, plane in named]
        found.append((f"{suite}, changes of the simulator", rows))
    return [table for table in found if only in table[0]]


def print_tables(chosen, pool, seed, draws):
    waiting = [
        (title, [(name, plane, pool.apply_async(one, (seed, draws))) for name, plane, one in rows])
        for title, rows in chosen
    ]
    for title, rows in waiting:
        print(f"\n**{title}**\n\n| change | plane | contractcheck | MMD, Hamming | MMD, n-grams |")
        print("|---" * 5 + "|")
        for name, plane, result in rows:
            shares = np.mean(result.get() <= LEVEL, axis=0)
            cells = " | ".join(f"{share:.3f}" for share in shares)
            print(f"| {name} | {plane} | {cells} |", flush=True)


def hold_against_package(python, seed):
    """Print the package's statistic and p beside ours on two draws."""
    corpus = fill(free_suite(CORPUS_POOL), seed)
    tokens, rng = tokens_of(corpus.texts), _generator(seed, "rival")
    dealt = [deal(rng, CORPUS_POOL, weights) for weights in (None, wording(corpus, seed, 0.6))]
    drawn = [np.take_along_axis(tokens, one[:, :, None], axis=1) for one in dealt]
    permutations = {"mmd_hamming": 100, "mmd_kspectrum": 20}
    sides = [(one[:, :PER_SIDE], one[:, PER_SIDE:]) for one in drawn]
    theirs = ask_package(python, sides, permutations)
    observed = np.tile(np.arange(2 * PER_SIDE) >= PER_SIDE, (1, PROMPTS, 1))
    print(
        "\n| kernel, draw | statistic: package | restated | p: package | restated |\n"
        + "|---" * 5
        + "|"
    )
    for kernel, grams_of in zip(permutations, (hamming_grams, spectrum_grams), strict=True):
        for place, one in enumerate(drawn):
            grams = grams_of(one)
            (p,) = mmd_p([grams], PER_SIDE, rng, 1000)
            statistic = mmd_statistics(grams, observed)[0]
            their_p, their_statistic = theirs[kernel][place]
            cells = (f"{their_statistic:.9f}", f"{statistic:.9f}", f"{their_p:.2f}", f"{p:.2f}")
            print(f"| {kernel}, {place} | " + " | ".join(cells) + " |")


def _generator(seed, *names):
    return np.random.default_rng(zlib.crc32("/".join([str(seed), *names]).encode()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="part of a table's title")
    parser.add_argument("--rival-python", help="interpreter that has model-equality-testing")
    options = parser.parse_args()
    print(f"{PROMPTS} prompts, {PER_SIDE} answers a side, {options.draws} draws; found at .05:")
    if options.rival_python:
        hold_against_package(options.rival_python, options.seed)
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        print_tables(tables(options.only), pool, options.seed, options.draws)


if __name__ == "__main__":
    main()
