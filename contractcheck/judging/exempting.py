"""What people took out of the watch for a while: obeyed, shown every night, and over in time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contractcheck.model.judgement import Finding, FindingKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from contractcheck.model.history import Exemption

_DECIDES = frozenset(set(FindingKind) - {FindingKind.NOTICE})


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Exemptions on one night.

    Attributes:
        mutes: Those that count tonight.
        quarantines: Those that count tonight.
        expired: Both kinds, no longer counting.
    """

    mutes: tuple[Exemption, ...]
    quarantines: tuple[Exemption, ...]
    expired: tuple[Exemption, ...]

    @property
    def aside(self) -> frozenset[str]:
        """Cases that are in no chart tonight."""
        return frozenset(one.case for one in self.quarantines if one.case is not None)

    @property
    def muted(self) -> tuple[tuple[str | None, str | None], ...]:
        """What does not decide: a case (None is all) and a metric or check (None is all)."""
        return tuple((one.case, one.metric) for one in self.mutes)


def standing_exemptions(exemptions: Iterable[Exemption], tonight: str) -> Standing:
    """Tell exemptions that count on a night from those that have expired.

    One that was granted later does not count: what was said of a night stays said.

    Args:
        exemptions: All of a suite and target.
        tonight: ISO date.
    """
    every = tuple(one for one in exemptions if one.begins <= tonight)
    live = [one for one in every if one.counts_on(tonight)]
    return Standing(
        mutes=tuple(one for one in live if one.kind == "mute"),
        quarantines=tuple(one for one in live if one.kind == "quarantine"),
        expired=tuple(one for one in every if one.expires < tonight),
    )


def mute_findings(findings: Iterable[Finding], standing: Standing) -> list[Finding]:
    """Let muted findings be told, and decide nothing."""
    return [_mute(finding, standing.mutes) for finding in findings]


def mute_finding(finding: Finding, mute: Exemption) -> Finding:
    """One finding as it is shown under a mute."""
    message = f"{finding.kind.value} ({_terms('muted', mute)}): {finding.message}"
    return replace(finding, kind=FindingKind.NOTICE, message=message)


def nearest_mute(finding: Finding, mutes: Sequence[Exemption]) -> Exemption:
    """The mute that is about a finding's stream or one of its cases, else the first."""
    cases = {place.case for place in finding.where}
    about = [one for one in mutes if one.case in cases or one.metric == finding.metric]
    return (about or list(mutes))[0]


def exemption_notes(standing: Standing) -> list[str]:
    """Name every quarantine and everything that has expired."""
    notes = [
        f"{one.case} is in quarantine ({_terms('', one)}): in no chart; its checks and limits go on"
        for one in standing.quarantines
    ]
    notes += [
        f"EXPIRED: the {one.kind} of {_subject(one)} by {one.owner} ended with {one.expires} and "
        f"no longer counts (it was for: {one.reason}); lift it, or grant it anew"
        for one in standing.expired
    ]
    return notes


def _mute(finding: Finding, mutes: Sequence[Exemption]) -> Finding:
    if finding.kind not in _DECIDES:
        return finding
    for mute in mutes:
        is_case = mute.case is None or mute.case == finding.case
        if is_case and mute.metric in (None, finding.metric):
            return mute_finding(finding, mute)
    return finding


def _terms(word: str, one: Exemption) -> str:
    return f"{word} until {one.expires}, {one.owner}: {one.reason}".strip()


def _subject(one: Exemption) -> str:
    return " / ".join(name for name in (one.case, one.metric) if name) or "the whole suite"
