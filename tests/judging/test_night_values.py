"""Nights as signed numbers: centred and scaled when nothing changed, and worth adding up."""

from __future__ import annotations

import numpy as np
import pytest

from contractcheck.judging.night_values import (
    accepted_values,
    case_of,
    is_directed,
    plane_of,
    reference_of,
    values_of,
)
from contractcheck.model.night import (
    CaseNight,
    LabelCell,
    NightStatistics,
    NumberCell,
    RateCell,
    TextCell,
)
from contractcheck.stats.night_scores import wilson_hilferty
from contractcheck.stats.nights import label_contrasts, number_contrasts, text_contrasts

ACCEPTED, WIDTH = 10, 32
FINGERPRINTS = {"one": "f"}


def labels(rng, n, shares=(0.5, 0.3, 0.2)):
    counts = rng.multinomial(n, shares)
    return LabelCell(counts={name: int(c) for name, c in zip("abcdef", counts, strict=False)})


def numbers(rng, n, shift=0.0):
    values = np.round(rng.lognormal(3.0 + shift, 0.5, n))
    return NumberCell(values=tuple(sorted(values.tolist())))


def wording(rng, n, lean=0.0):
    """Unit vectors about a common direction, a share of them turned towards another."""
    rows = np.zeros((n, WIDTH))
    rows[:, 0] = 1.0
    rows[rng.random(n) < lean, 1] = 2.0
    rows += rng.standard_normal((n, WIDTH)) * 0.25
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return TextCell(count=n, mean=tuple(rows.mean(0)), effective_dimension=WIDTH * 0.8)


def rates(rng, n, share=0.9):
    return RateCell(passed=int(rng.binomial(n, share)), count=n)


def night(name, cell, *, fingerprint="f", label="m"):
    own = CaseNight(request_fingerprint=fingerprint, answered=1, planned=1, cells={label: cell})
    return NightStatistics(night=name, run_id=name, is_complete=True, cases={"one": own})


def nights_of(cells):
    return [night(f"2026-03-{i + 1:02d}", cell) for i, cell in enumerate(cells)]


def standardised(made, later):
    """Per coordinate the later nights in deviations of sampling from the accepted location."""
    reference = reference_of(nights_of(made), FINGERPRINTS)
    base = [v.streams for v in accepted_values(reference)]
    found = {}
    for cell in later:
        for stream, rows in values_of(reference, night("later", cell)).streams.items():
            for row, one in rows.items():
                centre = np.mean([b[stream][row].value for b in base if row in b.get(stream, {})])
                found.setdefault(row, []).append((one.value - centre) / np.sqrt(one.variance))
    return found


@pytest.mark.parametrize("n", [5, 10, 30])
@pytest.mark.parametrize(
    ("make", "rows"),
    [
        (labels, {"one", "one#rest"}),
        (numbers, {"one", "one#spread", "one#m"}),
        (wording, {"one", "one#apart"}),
        (rates, {"one#m"}),
    ],
)
def test_unchanged_nights_have_mean_0_and_variance_1(make, rows, n):
    rng = np.random.default_rng([n, len(rows), len(make.__name__)])
    z = {row: [] for row in rows}
    for _ in range(60):
        cells = [make(rng, n) for _ in range(ACCEPTED)]
        found = standardised(cells, [make(rng, n) for _ in range(3)])
        assert set(found) <= rows
        for row, values in found.items():
            z[row].extend(values)
    # Numbers that always come are no number's coordinate, and do not vary.
    assert not any(z.pop("one#m", ())) or make is rates
    for values in z.values():
        # Three nights of each of sixty baselines share the error of its location.
        assert abs(np.mean(values)) < 0.35
        assert 0.6 < np.mean(np.square(values)) < 1.7


def chance_by_addition(cells, later):
    """The largest coordinate's mean of ten nights in its own deviations: what charts add up."""
    z = standardised(cells, later)
    sd = np.sqrt(1.0 / len(later) + 1.0 / ACCEPTED)
    return max(abs(np.mean(values)) / sd for values in z.values())


def chance_by_contrast(cells, later):
    """The mean unsigned score of ten nights, in deviations of a mean of ten."""
    if isinstance(cells[0], LabelCell):
        names = sorted({name for cell in (*cells, *later) for name in cell.counts})
        counts = [[cell.counts.get(name, 0) for name in names] for cell in (*cells, *later)]
        contrast = label_contrasts(counts, accepted=ACCEPTED)
    elif isinstance(cells[0], NumberCell):
        values = [cell.values for cell in (*cells, *later)]
        contrast = number_contrasts(values, accepted=ACCEPTED)
    else:
        contrast = text_contrasts(
            [cell.mean for cell in (*cells, *later)],
            [cell.count for cell in (*cells, *later)],
            effective_dimension=WIDTH * 0.8,
            accepted=ACCEPTED,
        )
    scores = wilson_hilferty(contrast.ratio, contrast.dof)
    usual = scores[:ACCEPTED]
    sd = np.sqrt(1.0 / len(later) + 1.0 / ACCEPTED) * max(1.0, usual.std(ddof=1))
    return (scores[ACCEPTED:].mean() - usual.mean()) / sd


@pytest.mark.parametrize(
    ("make", "changed", "more"),
    [
        # More than what the larger of two coordinates has over one by chance.
        (lambda rng: labels(rng, 10), lambda rng: labels(rng, 10, (0.5, 0.15, 0.35)), 0.5),
        (lambda rng: numbers(rng, 10), lambda rng: numbers(rng, 10, 0.2), 0.5),
        # No direction tells of it, but how far apart the nights are does.
        (lambda rng: wording(rng, 10, 0.1), lambda rng: wording(rng, 10, 0.3), 0.0),
    ],
    ids=["a swap among rare labels", "larger numbers", "another wording, sometimes"],
)
def test_ten_signed_nights_say_more_than_ten_unsigned_ones(make, changed, more):
    rng = np.random.default_rng(11)
    signed, unsigned = [], []
    for _ in range(40):
        cells = [make(rng) for _ in range(ACCEPTED)]
        later = [changed(rng) for _ in range(10)]
        signed.append(chance_by_addition(cells, later))
        unsigned.append(chance_by_contrast(cells, later))
    assert np.mean(signed) > np.mean(unsigned) + more
    assert np.mean(signed) > 2.0


def test_a_move_between_rare_labels_shows_in_the_rest_alone():
    rng = np.random.default_rng(3)
    cells = [labels(rng, 30) for _ in range(ACCEPTED)]
    moved = standardised(cells, [labels(rng, 30, (0.5, 0.05, 0.45)) for _ in range(20)])
    assert abs(np.mean(moved["one"])) < 0.8
    assert np.mean(moved["one#rest"]) < -2.0


def test_a_case_that_we_changed_has_no_value_and_learns():
    rng = np.random.default_rng(5)
    made = nights_of([labels(rng, 10) for _ in range(ACCEPTED)])
    reference = reference_of(made, FINGERPRINTS)
    other = night("later", labels(rng, 10), fingerprint="another")
    assert values_of(reference, other).streams == {}
    edited = reference_of(made, {"one": "another"})
    assert edited.learning == {"one": 0}
    assert edited.scales == {}
    assert edited.digest != reference.digest


def test_the_digest_says_when_values_may_be_others():
    rng = np.random.default_rng(7)
    made = nights_of([labels(rng, 10) for _ in range(6)])
    reference = reference_of(made, FINGERPRINTS)
    assert reference_of(made, FINGERPRINTS).digest == reference.digest
    assert reference_of(made[:-1], FINGERPRINTS).digest != reference.digest


def test_a_missing_number_is_a_coordinate_where_it_ever_was_missing():
    rng = np.random.default_rng(9)
    some = [NumberCell(values=(1.0, 2.0, 3.0), missing=int(rng.integers(0, 2))) for _ in range(9)]
    cells = [*some, NumberCell(values=(1.0, 2.0), missing=1)]
    found = standardised(cells, [NumberCell(values=(2.0,), missing=9)])
    assert found["one#present"][0] < -3.0
    assert (
        values_of(
            reference_of(nights_of(cells), FINGERPRINTS), night("x", NumberCell(values=()))
        ).streams
        == {}
    )


def test_latencies_are_log_medians_and_total_time_is_no_stream():
    cells = {"ttft_s": NumberCell(values=(0.5, 1.0, 4.0)), "total_s": NumberCell(values=(9.0,))}
    own = CaseNight(request_fingerprint="f", answered=3, planned=3, cells=cells)
    one = NightStatistics(night="2026-03-01", run_id="r", is_complete=True, cases={"one": own})
    reference = reference_of([one], FINGERPRINTS)
    streams = values_of(reference, one).streams
    assert {name: rows["one"].value for name, rows in streams.items()} == {"ttft_s": 0.0}
    assert plane_of("ttft_s") == "latency"


def test_rows_name_their_case():
    assert case_of("one#rest") == case_of("one") == "one"
    assert is_directed("one")
    assert not is_directed("one#rest")
    assert (plane_of("conformance"), plane_of("text")) == ("conformance", "outputs")


def test_an_odd_accepted_night_widens_what_distances_may_do():
    rng = np.random.default_rng(13)
    usual = [wording(rng, 10) for _ in range(ACCEPTED)]
    odd = [*usual[:-1], wording(rng, 10, 0.9)]
    later = night("later", wording(rng, 10))

    def variance(cells):
        reference = reference_of(nights_of(cells), FINGERPRINTS)
        return values_of(reference, later).streams["m"]["one#apart"].variance

    assert variance(usual) < 2.0
    assert variance(odd) > 2.0 * variance(usual)
    assert variance(usual[:3]) == 1.0
