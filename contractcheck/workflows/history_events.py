"""What people did to a watch, as events of its history: derived from the files they reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contractcheck.model.history import HistoryEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contractcheck.model.baseline import Acceptance, Baseline
    from contractcheck.model.history import EventKind, Exemption


def human_events(
    suite: str, target: str, baseline: Baseline | None, exemptions: Iterable[Exemption]
) -> tuple[HistoryEvent, ...]:
    """Acceptances, re-bases, mutes and quarantines.

    Nights that were accepted together are one event, on the last of them. The same files make the
    same events, so they can be added to a history again and again.

    Args:
        suite: Suite name.
        target: Target id.
        baseline: Accepted nights, or None.
        exemptions: Mutes and quarantines, expired ones too.
    """
    return (
        *(_accepted(baseline) if baseline else ()),
        *(_exempt(suite, target, one) for one in exemptions),
    )


def _accepted(baseline: Baseline) -> Iterator[HistoryEvent]:
    groups: dict[tuple[Acceptance, int], list[str]] = {}
    for number, era in enumerate(baseline.eras):
        for night in era:
            groups.setdefault((night.acceptance, number), []).append(night.statistics.night)
    for (acceptance, _), nights in groups.items():
        is_rebase = nights[0] in baseline.rebases
        kind: EventKind = "rebase" if is_rebase else "acceptance"
        count = "1 night" if len(nights) == 1 else f"{len(nights)} nights"
        span = nights[0] if len(nights) == 1 else f"{nights[0]} … {nights[-1]}"
        since = "re-based on" if is_rebase else "accepted"
        yield HistoryEvent(
            suite=baseline.suite,
            target=baseline.target.id,
            night=nights[-1],
            kind=kind,
            words=f"{since} {count}, {span}: {acceptance.reason}",
            by=acceptance.accepted_by,
            expires=acceptance.expires,
        )


def _exempt(suite: str, target: str, one: Exemption) -> HistoryEvent:
    about = " ".join(filter(None, [one.case, one.metric])) or "everything"
    done = "muted" if one.kind == "mute" else "quarantined"
    return HistoryEvent(
        suite=suite,
        target=target,
        night=one.begins,
        kind=one.kind,
        words=f"{about} {done} until {one.expires}: {one.reason}",
        case=one.case,
        by=one.owner,
        expires=one.expires,
    )
