"""The comparison engine beside `model-equality-testing` 0.0.2, same design, one thread.

    .venv/bin/python bench/engine.py --install-rival /tmp/rival     # once: PyTorch, some minutes
    .venv/bin/python bench/engine.py --rival-python /tmp/rival/bin/python

25 prompts, 10 answers against 10, 1,000 permutations, random characters: 50 and 1,000 of them.
*One kernel* is what the package computes, its Hamming kernel, with a p-value; ours names the
cases too. *Full engine* is everything `contractcheck compare` computes for a text. Each timing is a
process of its own; processor seconds, medians over the repeats, interleaved; memory is the peak
above imports and data. The package needs minutes for 1,000 characters: there it runs once with
100 permutations, its time taken tenfold; its memory, which grows with the permutations, is that
of 100 unless `--whole` lets it draw all. Without a rival the engine's rows are printed alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
LENGTHS = (50, 1000)
CASES, SIDE, PERMUTATIONS = 25, 10, 1000
RIVAL = "model-equality-testing==0.0.2"
RIVAL_NEEDS = ("torch", "numpy", "scipy", "pandas", "matplotlib", "tqdm")


def install_rival(folder):
    venv.create(folder, with_pip=True)
    python = Path(folder) / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--no-deps", RIVAL], check=True)
    subprocess.run([python, "-m", "pip", "install", *RIVAL_NEEDS], check=True)
    print(f"installed; now pass --rival-python {python}")


def run(command):
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **one_thread},
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure_engine(what, *, cases, old, new, length, permutations, seed):
    design = {
        "cases": cases,
        "old": old,
        "new": new,
        "length": length,
        "permutations": permutations,
        "seed": seed,
    }
    options = [f"--{name}={value}" for name, value in design.items()]
    return run([sys.executable, HERE / "engine_work.py", what, *options])


def measure_rival(python, *, length, permutations, seed):
    words = (length, SIDE, CASES, permutations, seed)
    found = run([python, HERE / "engine_rival.py", *words])
    return {**found, "cpu_s": found["cpu_s"] * PERMUTATIONS / permutations}


def median(measured):
    return {name: statistics.median(one[name] for one in measured) for name in measured[0]}


def table(rows):
    print("| characters | tool | processor time | memory | times faster | memory is |")
    print("|---|---|---|---|---|---|")
    for length in LENGTHS:
        rival = rows.get((length, "rival"))
        for name in ("rival", "kernel", "full"):
            if (length, name) not in rows:
                continue
            own = rows[length, name]
            ratios = ("", "")
            if rival and name != "rival":
                ratios = (
                    f"{rival['cpu_s'] / own['cpu_s']:,.0f}",
                    f"1/{rival['memory_mb'] / max(own['memory_mb'], 0.1):,.0f}",
                )
            title = {"rival": RIVAL, "kernel": "one kernel", "full": "full engine"}[name]
            print(
                f"| {length:,} | {title} | {own['cpu_s']:.3g} s | {own['memory_mb']:.1f} MB "
                f"| {ratios[0]} | {ratios[1]} |"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rival-python", metavar="PATH")
    parser.add_argument("--install-rival", metavar="DIR")
    parser.add_argument("--whole", action="store_true", help="no tenth of the work for the rival")
    chosen = parser.parse_args()
    if chosen.install_rival:
        install_rival(chosen.install_rival)
        return
    measured = {}
    for seed in range(chosen.repeats):
        for length in LENGTHS:
            for what in ("kernel", "full"):
                found = measure_engine(
                    what,
                    cases=CASES,
                    old=SIDE,
                    new=SIDE,
                    length=length,
                    permutations=PERMUTATIONS,
                    seed=seed,
                )
                measured.setdefault((length, what), []).append(found)
            scaled = length == max(LENGTHS)
            if chosen.rival_python and not (scaled and seed):
                permutations = PERMUTATIONS // (10 if scaled and not chosen.whole else 1)
                found = measure_rival(
                    chosen.rival_python, length=length, permutations=permutations, seed=seed
                )
                measured.setdefault((length, "rival"), []).append(found)
    table({key: median(found) for key, found in measured.items()})


if __name__ == "__main__":
    main()
