"""How the comparison engine's time and memory grow: with cases, permutations, and answers.

    .venv/bin/python bench/engine_growth.py

Random texts of 1,000 characters, every statistic of a text; each timing is a process of its own,
one thread, processor seconds, medians over the repeats. The exponent is that of the power law
between the first and the last row. The last table is the largest design that is promised for.
"""

import argparse
import math

from engine import measure_engine, median

BASE = {"cases": 25, "old": 10, "new": 10, "length": 1000, "permutations": 1000}
LARGEST = {"cases": 200, "old": 20, "new": 100, "length": 1000, "permutations": 2000}


def measure(what, design, repeats):
    return median([measure_engine(what, **design, seed=seed) for seed in range(repeats)])


def grow(name, designs, sizes, repeats):
    print(f"\n| {name} | one kernel | full engine | memory of the full engine |")
    print("|---|---|---|---|")
    found = []
    for size, design in zip(sizes, designs, strict=True):
        kernel, full = (measure(what, design, repeats) for what in ("kernel", "full"))
        found.append((kernel["cpu_s"], full["cpu_s"]))
        print(
            f"| {size:,} | {kernel['cpu_s']:.3g} s | {full['cpu_s']:.3g} s "
            f"| {full['memory_mb']:.0f} MB |"
        )
    ratio = math.log(sizes[-1] / sizes[0])
    slopes = [math.log(found[-1][i] / found[0][i]) / ratio for i in (0, 1)]
    print(f"| exponent | {slopes[0]:.2f} | {slopes[1]:.2f} | |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    cases, permutations, answers = (25, 50, 100, 200), (1000, 2000, 4000, 8000), (10, 20, 40, 80)
    grow("cases", [{**BASE, "cases": n} for n in cases], cases, repeats)
    grow(
        "permutations",
        [{**BASE, "permutations": n} for n in permutations],
        permutations,
        repeats,
    )
    grow("answers per side", [{**BASE, "old": n, "new": n} for n in answers], answers, repeats)
    print("\n| 200 cases, 20 against 100, 2,000 permutations | processor time | memory |")
    print("|---|---|---|")
    for what, title in (("kernel", "one kernel"), ("full", "full engine")):
        found = measure(what, LARGEST, repeats)
        print(f"| {title} | {found['cpu_s']:.2f} s | {found['memory_mb']:.0f} MB |")


if __name__ == "__main__":
    main()
