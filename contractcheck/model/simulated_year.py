"""What simulated years of a suite came to: how often nothing turned red, how soon a change did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class FamilyYears:
    """Years in which nothing changed.

    Attributes:
        family: How nights follow each other.
        words: The same in words.
        years: Simulated years.
        red: Years with any false red night, by charts or by two nights that repeat each other.
        low: Lower end of the 95 % Clopper-Pearson interval of their share.
        high: Upper end.
        by_pair: Years of ``red`` whose first red night is of two nights, before any chart.
        unstable: Years with a stream whose accepted nights are called unstable: INCONCLUSIVE, and
            neither outputs nor conformance are red.
        red_unwarned: Years of ``red`` without such a stream.
        red_if_judged: Years that would have been red had no stream been called unstable.
        planes: Per plane the years of ``red_if_judged`` in which it was.
        naive_nights: Mean nights a year on which a naive test of each night alone rejects.
        naive_red: Years with any such night.
    """

    family: str
    words: str
    years: int
    red: int
    low: float
    high: float
    by_pair: int
    unstable: int
    red_unwarned: int
    red_if_judged: int
    planes: Mapping[str, int]
    naive_nights: float
    naive_red: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeDelay:
    """Histories in which something changed on the first night after the baseline.

    Attributes:
        change: What, in words.
        kind: What.
        size: How much: a share of the answers, or a factor.
        one_case: Whether one case only changed.
        histories: Simulated histories, those with an unstable baseline among them.
        found: Of these, found within the nights that were played.
        median: Nights until half of them are found, counted from 1; None when less than half are.
        late: Nights until four in five are; None when fewer are.
        naive_median: Nights until a naive test of each night alone rejects in half of them; it also
            does when nothing changed.
    """

    change: str
    kind: str
    size: float
    one_case: bool
    histories: int
    found: int
    median: int | None
    late: int | None
    naive_median: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedYears:
    """Years of one suite and target.

    Attributes:
        suite: Suite name.
        version: Semantic version of the contract.
        target: ``provider:model``.
        accepted: Accepted nights, K.
        nights: Nights of a year.
        watched: Nights that are played after a change.
        stated: Chance of any false red in a year that the suite states.
        share: Of this, what the charts have that are played.
        pair_share: And what two nights that repeat each other have; the rest is for what is not
            played, and in reserve.
        unplayed: What is not played, in words, and the chance that it adds at most.
        streams: Per stream how many coordinates its charts add up.
        dispersion: Per stream, variance of accepted nights over what sampling gives, at least 1,
            the mean over its coordinates; latencies have none.
        seed: Gives the same figures again.
        families: Years in which nothing changed.
        changes: Histories in which something did.
        unseen: Changes that touch nothing that the suite measures, in words.
        notes: What a reader must know.
    """

    suite: str
    version: str
    target: str
    accepted: int
    nights: int
    watched: int
    stated: float
    share: float
    pair_share: float
    unplayed: Mapping[str, float]
    streams: Mapping[str, int]
    dispersion: Mapping[str, float]
    seed: int
    families: tuple[FamilyYears, ...]
    changes: tuple[ChangeDelay, ...]
    unseen: tuple[str, ...]
    notes: tuple[str, ...]
