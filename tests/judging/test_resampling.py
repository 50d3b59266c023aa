"""Resampled sides: whole answers, of their own case, changed on the new side alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from contractcheck.errors import UsageError
from contractcheck.judging.resampling import draw_sides, make_pool
from contractcheck.measuring import COLUMNS


def _table(mark: str) -> pd.DataFrame:
    """Three cases of 2, 3 and 4 trials; both metrics of a trial carry its name and the mark."""
    rows = [
        ("run", None, f"case{c}", t, metric, "label", "outputs", np.nan, f"{mark}-{c}-{t}")
        for c in range(3)
        for t in range(c + 2)
        for metric in ("a", "b")
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_a_trial_moves_whole_and_stays_in_its_case() -> None:
    drawn = draw_sides(make_pool(_table("old")), slots=50, rng=np.random.default_rng(1))
    for (case, _, _), own in drawn.groupby(["case", "trial", "side"]):
        assert sorted(own["metric"]) == ["a", "b"]
        assert len(set(own["string"])) == 1
        assert own["string"].iloc[0].split("-")[1] == str(case)[-1]
    assert drawn.groupby(["case", "side"])["trial"].nunique().tolist() == [50] * 6


def test_every_answer_is_drawn_about_equally_often() -> None:
    drawn = draw_sides(make_pool(_table("old")), slots=3000, rng=np.random.default_rng(2))
    shares = drawn[drawn["metric"] == "a"].groupby("case")["string"].value_counts(normalize=True)
    assert shares["case2"].between(0.22, 0.28).all()
    assert len(shares["case2"]) == 4


def test_only_the_new_side_is_struck_and_by_the_share() -> None:
    pool = make_pool(_table("old"), _table("new"))
    drawn = draw_sides(pool, slots=2000, rng=np.random.default_rng(3), struck_share=0.3)
    is_new = drawn["string"].str.startswith("new")
    assert not is_new[drawn["side"] == "from"].any()
    assert is_new[drawn["side"] == "to"].mean() == pytest.approx(0.3, abs=0.03)


def test_the_same_seed_draws_the_same_bytes() -> None:
    pool = make_pool(_table("old"))
    one, two = (draw_sides(pool, slots=9, rng=np.random.default_rng(7)) for _ in range(2))
    assert one.to_csv() == two.to_csv()


def test_no_answer_is_an_error() -> None:
    with pytest.raises(UsageError, match="no answer to draw from"):
        make_pool(_table("old").iloc[:0])


def test_a_change_may_not_lose_a_trial() -> None:
    changed = _table("new")
    with pytest.raises(UsageError, match="trial 0 of case0"):
        make_pool(_table("old"), changed[changed["case"] != "case0"])
