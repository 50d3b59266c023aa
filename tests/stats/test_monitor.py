"""Charts of a year: what they must not depend on, and what they must find."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.errors import UsageError
from contractcheck.stats.monitor import (
    Nights,
    chart_stream,
    deviations,
    first_red,
    learning_ends,
    left_out,
    make_charts,
)
from contractcheck.stats.monitor_scale import LEARNS_AFTER
from contractcheck.stats.night_coordinates import share_coordinate

SHARE = 0.02
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=25, deadline=None)


def play(seed=0, *, accepted=10, later=40, cases=8, shift=0.0, begins=0, missing=0.0):
    """Normal nights of variance 1.4, sampling variance 1; a shift of every case, alternating."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0.0, np.sqrt(1.4), (accepted + later, cases))
    values += rng.normal(0.0, 5.0, cases)
    values[accepted + begins :] += shift * np.where(np.arange(cases) % 2, 1.0, -1.0)
    values[rng.random(values.shape) < missing] = np.nan
    return Nights(values=values, variances=np.ones_like(values), accepted=accepted)


def chart(nights, plane="outputs", **how):
    return {one.kind: one for one in chart_stream(nights, plane=plane, share=SHARE, **how)}


def with_values(nights, values):
    return dataclasses.replace(nights, values=values)


def assert_same(found, expected, kinds=None):
    for kind in kinds or expected:
        np.testing.assert_allclose(
            found[kind].values, expected[kind].values, rtol=1e-6, atol=1e-9, err_msg=kind
        )


@quick
@given(seed=seeds, shift=st.sampled_from([0.0, 1.0, 3.0]))
def test_outputs_do_not_depend_on_which_way_is_up(seed, shift):
    nights = play(seed, shift=shift, missing=0.1)
    assert_same(chart(with_values(nights, -nights.values)), chart(nights))


@quick
@given(seed=seeds, plane=st.sampled_from(["outputs", "conformance"]))
def test_charts_do_not_depend_on_the_order_of_cases(seed, plane):
    nights = play(seed, shift=1.0, missing=0.1)
    order = np.random.default_rng(seed).permutation(8)
    mixed = dataclasses.replace(
        nights, values=nights.values[:, order], variances=nights.variances[:, order]
    )
    expected, found = chart(nights, plane), chart(mixed, plane)
    assert_same(found, expected)
    for kind, one in found.items():
        np.testing.assert_allclose(one.averages, expected[kind].averages[:, order], atol=1e-9)


@quick
@given(seed=seeds, unit=st.floats(1e-3, 1e3), origin=st.floats(-10.0, 10.0))
def test_charts_do_not_depend_on_unit_and_origin(seed, unit, origin):
    nights = play(seed, shift=1.0, missing=0.1)
    other = dataclasses.replace(
        nights, values=unit * nights.values + origin, variances=unit**2 * nights.variances
    )
    assert_same(chart(other), chart(nights))


@quick
@given(seed=seeds, place=st.integers(0, 8), known=st.integers(0, 4))
def test_a_case_known_on_fewer_than_five_accepted_nights_is_left_out(seed, place, known):
    nights = play(seed, shift=1.0)
    values = np.insert(nights.values, place, np.nan, axis=1)
    values[:known, place] = 1.0
    values[10:, place] = 50.0
    wider = dataclasses.replace(nights, values=values, variances=np.ones_like(values))
    assert left_out(wider) == (place,)
    found = chart(wider)
    assert_same(found, chart(nights))
    for one in found.values():
        assert not one.averages[:, place].any()


@quick
@given(seed=seeds, seen=st.integers(1, 40), shift=st.sampled_from([0.0, 2.0]))
def test_what_a_chart_says_of_a_night_depends_on_no_later_one(seed, seen, shift):
    nights = play(seed, shift=shift, begins=5, missing=0.1)
    cut = dataclasses.replace(
        nights, values=nights.values[: 10 + seen], variances=nights.variances[: 10 + seen]
    )
    whole, part = chart(nights), chart(cut)
    for kind, one in part.items():
        np.testing.assert_allclose(one.values, whole[kind].values[:seen], rtol=1e-6, atol=1e-9)


def test_a_missing_value_leaves_its_average_as_it_is():
    nights = play(later=6, shift=3.0)
    values = nights.values.copy()
    values[13, 2] = np.nan
    average = chart(with_values(nights, values))["largest"].averages[:, 2]
    # Nothing is learnt in six nights, so each average is in the same units.
    assert average[3] == pytest.approx(average[2])
    assert average[4] != pytest.approx(average[3])


def test_a_night_without_any_value_is_no_news():
    nights = play(later=6, shift=3.0)
    values = nights.values.copy()
    values[13] = np.nan
    for one in chart(with_values(nights, values)).values():
        assert one.values[3] == pytest.approx(one.values[2])


def test_a_change_of_every_case_is_red_and_named():
    nights = play(shift=3.0, begins=10, later=30)
    charts = chart_stream(nights, plane="outputs", share=SHARE)
    red = first_red(charts)
    assert 10 < red < 20
    averages = charts[0].averages[red]
    assert (np.sign(averages) == np.where(np.arange(8) % 2, 1.0, -1.0)).all()


def test_conformance_is_watched_for_falls_and_latency_for_rises():
    nights = play(later=30)
    for plane, bad in (("conformance", -1.0), ("latency", 1.0)):
        for way in (bad, -bad):
            values = nights.values.copy()
            values[10:] += way * 4.0
            red = first_red(chart_stream(with_values(nights, values), plane=plane, share=SHARE))
            assert (red is not None) == (way == bad), (plane, way)


def test_from_the_first_red_night_on_the_scale_is_what_it_was_then():
    nights = play(shift=3.0, begins=20, later=60)
    found = chart(nights)
    red = first_red(tuple(found.values()))
    assert learning_ends(tuple(found.values())) == red - LEARNS_AFTER
    assert_same(chart(nights, learn_until=red - LEARNS_AFTER), found)
    blurred = {one.kind: one for one in make_charts(nights, "outputs", {})}
    assert blurred["squares"].values[-1] < found["squares"].values[-1]
    # Changed nights that came before the red one are not learnt from either.
    begun = {one.kind: one for one in make_charts(nights, "outputs", {}, learn_until=red)}
    assert begun["squares"].values[-1] < found["squares"].values[-1]


@quick
@given(seed=seeds, plane=st.sampled_from(["outputs", "conformance", "latency"]))
def test_a_night_is_first_red_on_the_scale_that_was_learnt_until_then(seed, plane):
    nights = play(seed, shift=1.5, begins=5, later=60)
    found = chart(nights, plane)
    plain = {one.kind: one for one in make_charts(nights, plane, {})}
    red = first_red(tuple(found.values()))
    for kind, one in found.items():
        seen = len(one.values) if red is None else red + 1
        np.testing.assert_array_equal(one.values[:seen], plain[kind].values[:seen])


@pytest.mark.parametrize("quiet", [0, 10, 30, 200])
@pytest.mark.parametrize("cases", [1, 7, 40])
def test_a_case_that_always_passed_and_fails_stays_red(cases, quiet):
    passed = np.full((10 + quiet + 60, cases), 10)
    passed[10 + quiet :, 0] = np.random.default_rng(cases).binomial(10, 0.3, 60)
    pairs = [share_coordinate(int(n), 10, pooled=100, pool_n=100) for n in passed.flat]
    values, variances = np.array(pairs).T.reshape(2, *passed.shape)
    nights = Nights(values=values, variances=variances, accepted=10)
    over = []
    for place in range(10 + quiet, len(passed)):
        # As the watch sees it: night after night, of which none knows the next.
        so_far = dataclasses.replace(
            nights, values=values[: place + 1], variances=variances[: place + 1]
        )
        charts = chart_stream(so_far, plane="conformance", share=SHARE)
        over.append(any(one.values[-1] > one.threshold for one in charts))
    assert over.index(True) < 20
    assert all(over[over.index(True) :])


def test_a_red_chart_is_red_no_more_when_nights_are_good_again():
    nights = play(later=80)
    values = nights.values.copy()
    values[10 + 20 : 10 + 40] += 3.0
    found = chart(with_values(nights, values))
    over = np.any([one.values > one.threshold for one in found.values()], axis=0)
    assert over[24:40].all()
    assert not over[60:].any()


def test_more_variable_nights_are_learnt_from():
    rng = np.random.default_rng(1)
    values = rng.normal(0.0, 1.0, (210, 10))
    values[10:] *= 1.3
    nights = Nights(values=values, variances=np.ones_like(values), accepted=10)
    learnt = np.abs(deviations(nights, plane="outputs"))[100:].mean()
    fixed = np.abs(deviations(nights, plane="outputs", learn_until=0))[100:].mean()
    assert learnt < 0.95 * fixed


def test_after_a_rebase_the_last_nights_alone_place_the_location():
    nights = play(shift=3.0, later=20)
    rebased = Nights(values=nights.values, variances=nights.variances, accepted=11, placed=1)
    found = chart_stream(rebased, plane="outputs", share=SHARE)
    assert first_red(found) is None
    stale = Nights(values=nights.values, variances=nights.variances, accepted=11)
    assert first_red(chart_stream(stale, plane="outputs", share=SHARE)) is not None


def test_after_a_rebase_older_nights_may_lie_anywhere():
    nights = play(later=20)
    moved = nights.values.copy()
    moved[:8] += 7.0
    rebased = dataclasses.replace(nights, placed=2)
    assert_same(chart(with_values(rebased, moved)), chart(rebased))


def test_an_undirected_column_has_no_part_in_the_mean():
    nights = play(later=12)
    values = nights.values.copy()
    values[10:, 3] += 2.5
    directed = chart(with_values(nights, values))
    marked = chart(dataclasses.replace(nights, values=values, undirected=(3,)))
    assert_same(marked, directed, kinds=("squares", "largest"))
    alone = np.delete(nights.values, 3, 1)
    without = chart(dataclasses.replace(nights, values=alone, variances=np.ones_like(alone)))
    away = {
        name: np.abs(one["mean"].values - without["mean"].values).max()
        for name, one in (("directed", directed), ("undirected", marked))
    }
    assert away["undirected"] < 0.3 * away["directed"]


@pytest.mark.parametrize("plane", ["outputs", "conformance", "latency"])
@pytest.mark.parametrize("later", [0, 1, 30])
@pytest.mark.parametrize(("accepted", "cases"), [(5, 1), (5, 3), (10, 1), (40, 2)])
def test_constant_nights_are_quiet_and_finite(plane, later, accepted, cases):
    values = np.full((accepted + later, cases), 0.3)
    nights = Nights(values=values, variances=np.full_like(values, 0.01), accepted=accepted)
    charts = chart_stream(nights, plane=plane, share=SHARE)
    assert charts
    for one in charts:
        assert one.values.shape == (later,)
        assert np.isfinite(one.values).all()
        assert np.isfinite(one.averages).all()
    assert first_red(charts) is None


def test_without_any_case_there_is_no_chart():
    values = np.full((30, 2), np.nan)
    nights = Nights(values=values, variances=values, accepted=10)
    assert chart_stream(nights, plane="outputs", share=SHARE) == ()
    assert chart_stream(nights, plane="latency", share=SHARE) == ()
    assert left_out(nights) == (0, 1)


def test_a_constant_case_that_flips_is_found_and_stays_found():
    values = np.full((70, 50), 1.4)
    values[30:, 7] = 0.2
    nights = Nights(values=values, variances=np.full_like(values, 0.003), accepted=10)
    charts = chart_stream(nights, plane="outputs", share=SHARE)
    assert 20 < first_red(charts) < 40
    largest = next(one for one in charts if one.kind == "largest")
    assert np.abs(largest.averages[-1]).argmax() == 7


def test_nights_that_make_no_sense_are_refused():
    values = np.zeros((20, 3))
    with pytest.raises(UsageError, match="at least 5"):
        Nights(values=values, variances=values, accepted=4)
    with pytest.raises(UsageError, match="placed=0"):
        Nights(values=values, variances=values, accepted=10, placed=0)
    with pytest.raises(UsageError, match="every value has one variance"):
        Nights(values=values, variances=values[:, :2], accepted=10)
    with pytest.raises(UsageError, match="positive sampling variance"):
        chart_stream(
            Nights(values=values, variances=values, accepted=10), plane="outputs", share=SHARE
        )
