"""What model-equality-testing 0.0.2 computes, restated so that hundreds of draws take seconds.

The package recomputes every kernel for every permutation; here the Gram matrices are computed once.
Statistic, permutation *across* prompts and p = mean(permuted >= observed), without the 1 that would
keep it from being 0, are the package's own. ``check`` runs the package itself on the same samples.
Source: Gao, Liang and Guestrin, Model Equality Testing, ICLR 2025, arXiv 2410.20247.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_GRAM = 5

_PACKAGE = """
import json, sys, types
sys.modules["transformers"] = types.SimpleNamespace(AutoTokenizer=None)
import numpy as np
import torch
from model_equality_testing.algorithm import run_two_sample_test
from model_equality_testing.distribution import CompletionSample
torch.set_num_threads(1)
torch.manual_seed(0)
asked = json.load(sys.stdin)
def sample(rows):
    rows = np.array(rows)
    return CompletionSample(prompts=rows[:, 0], completions=rows[:, 1:], m=asked["prompts"])
for kernel, b in asked["kernels"].items():
    found = [
        run_two_sample_test(sample(old), sample(new), stat_type=kernel, b=b)
        for old, new in asked["draws"]
    ]
    print(json.dumps({kernel: found}))
"""


def hamming_grams(tokens: np.ndarray) -> np.ndarray:
    """Share of positions at which two answers agree, padding included.

    Args:
        tokens: (P, N, L) padded tokens of N answers to each of P prompts.

    Returns:
        (P, N, N).
    """
    return np.stack([(own[:, None] == own[None]).mean(axis=2) for own in tokens])


def spectrum_grams(tokens: np.ndarray) -> np.ndarray:
    """(P, N, N) cosine of the counts of all n-grams, n = 1 to 5, padding included."""
    products = np.zeros((*tokens.shape[:2], tokens.shape[1]))
    codes = np.zeros(tokens.shape, dtype=np.uint64)
    for n in range(1, LONGEST_GRAM + 1):
        # Each n-gram is hashed: arithmetic modulo 2**64, by an odd number.
        last = tokens[:, :, n - 1 :].astype(np.uint64)
        codes = codes[:, :, : last.shape[2]] * np.uint64(0x9E3779B97F4A7C15) + last
        for place, own in enumerate(codes):
            distinct, cells = np.unique(own, return_inverse=True)
            cells = cells.reshape(own.shape) + distinct.size * np.arange(len(own))[:, None]
            counts = np.bincount(cells.ravel(), minlength=len(own) * distinct.size)
            counts = counts.reshape(len(own), -1).astype(float)
            products[place] += counts @ counts.T
    norms = np.sqrt(np.einsum("pnn->pn", products))
    return products / (norms[:, :, None] * norms[:, None, :])


def mmd_statistics(grams: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """MMD of every labelling.

    Args:
        grams: (P, N, N) normalised kernel inside each prompt; it is 0 across prompts.
        labels: (R, P, N) 1 where the answer is the candidate's.
    """
    new = labels.astype(float)
    old = 1.0 - new
    without = grams - np.einsum("pnm,nm->pnm", grams, np.eye(grams.shape[1]))
    found = np.zeros(len(labels))
    for side in (old, new):
        sizes = side.sum(axis=2)
        pairs = (sizes * (sizes - 1)).sum(axis=1)
        found += _products(side, without, side) / pairs
    across = (old.sum(axis=2) * new.sum(axis=2)).sum(axis=1)
    return found - 2 * _products(old, grams, new) / across


def _products(left: np.ndarray, grams: np.ndarray, right: np.ndarray) -> np.ndarray:
    moved = np.matmul(left.transpose(1, 0, 2), grams)
    return np.einsum("prn,prn->r", moved, right.transpose(1, 0, 2))


def mmd_p(
    grams: Sequence[np.ndarray], n_old: int, rng: np.random.Generator, permutations: int
) -> list[float]:
    """One p per kernel, on the same permutations; the old side has the first ``n_old`` answers."""
    prompts, n, _ = grams[0].shape
    observed = np.tile(np.arange(n) >= n_old, (1, prompts, 1))
    flat = np.repeat(observed.reshape(1, -1), permutations, axis=0)
    labels = rng.permuted(flat, axis=1).reshape(permutations, prompts, n)
    return [
        float(np.mean(mmd_statistics(one, labels) >= mmd_statistics(one, observed)[0]))
        for one in grams
    ]


def ask_package(
    python: str, draws: Sequence[tuple[np.ndarray, np.ndarray]], kernels: dict[str, int]
) -> dict[str, list[tuple[float, float]]]:
    """Run the package itself.

    Args:
        python: Interpreter of an environment that has it, with torch.
        draws: Tokens of both sides, (P, n, L) each.
        kernels: Name of each statistic and its number of permutations.

    Returns:
        Per kernel the p and the statistic of each draw.
    """

    def rows(tokens: np.ndarray) -> list[list[int]]:
        return [[p, *answer] for p, own in enumerate(tokens.tolist()) for answer in own]

    asked = {
        "prompts": len(draws[0][0]),
        "kernels": kernels,
        "draws": [(rows(old), rows(new)) for old, new in draws],
    }
    shown = subprocess.run(
        [python, "-c", _PACKAGE],
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # its progress bars
        text=True,
        check=True,
    )
    found: dict[str, list[tuple[float, float]]] = {}
    for line in shown.stdout.splitlines():
        if line.startswith("{"):
            found |= json.loads(line)
    return found
