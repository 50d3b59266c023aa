"""A plan's chances against gates that are asked anew (bench/plan_power.py)."""

from __future__ import annotations

import secrets
import sys

import plan_power
import pytest

REPEATS = 400


@pytest.mark.calibration
def test_gates_end_as_often_as_their_plan_says(capsys):
    seed = secrets.randbits(31)
    rows = list(plan_power.ask_all(repeats=REPEATS, seed=seed))
    with capsys.disabled():
        sys.stdout.write(f"\nseed {seed}\n")
        for row in rows:
            words = f"{row.suite}: {row.question}: {row.planned:.3f} / {row.measured:.3f}\n"
            sys.stdout.write(words)
    assert len(rows) == len(plan_power.SUITES) * len(plan_power.QUESTIONS)
    # Four standard errors of nine measurements beyond what is promised.
    noise = 4 * (0.25 / REPEATS) ** 0.5
    far = [row for row in rows if abs(row.planned - row.measured) > plan_power.AGREEMENT + noise]
    assert not far, f"seed {seed}"
