"""Judge nights again that rest on other nights than they were judged by.

A night may come late: its runner was down and it was made after the next one, it came from another
machine, or an outage was made good. Every judgement says by a digest which nights it rests on, so
whoever looks next finds those that do not hold any more, whatever was killed in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.errors import RecordingError
from contractcheck.sampling import SilentProgress, Tally
from contractcheck.workflows.history_events import human_events
from contractcheck.workflows.night_sampling import read_night
from contractcheck.workflows.watch_ground import read_ground
from contractcheck.workflows.watch_judging import judge_on
from contractcheck.workflows.watch_keeping import keep_judged, settle_events
from contractcheck.workflows.watch_seen import find_outdated

if TYPE_CHECKING:
    from collections.abc import Collection

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.history import HistoryEvent, RunKey
    from contractcheck.model.judgement import Verdict
    from contractcheck.model.measurement import MeasuredRun
    from contractcheck.model.suite import Suite
    from contractcheck.sampling import Progress
    from contractcheck.store.history import History
    from contractcheck.workflows.night_source import NightSource
    from contractcheck.workflows.watch_ground import Ground

_ROUNDS = 3
"""How often nights are looked for: more may come meanwhile. The next watch finds the rest."""


@dataclass(kw_only=True, slots=True)
class JudgedAgain:
    """Nights that were judged again.

    Attributes:
        verdicts: Per night what was said before (None: nothing) and what is said now, oldest first.
        left: Nights whose recording is not at hand or damaged: what was said of them stands.
    """

    verdicts: dict[str, tuple[Verdict | None, Verdict]] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)

    @property
    def changed(self) -> dict[str, tuple[Verdict | None, Verdict]]:
        """Those of which something else is said now."""
        return {night: pair for night, pair in self.verdicts.items() if pair[0] is not pair[1]}


def judge_outdated(
    source: NightSource,
    suite: Suite,
    history: History,
    *,
    into: JudgedAgain,
    progress: Progress | None = None,
) -> None:
    """Judge every night since the accepted ones that rests on other nights than it was judged by.

    Each is kept at once: killed and started again, it goes on where it was. Events are settled.

    Args:
        source: Where recordings of nights lie.
        suite: The contract.
        history: All nights of the watch.
        into: Told what was said of each, also of those before a trouble.
        progress: Told after every night.

    Raises:
        RecordingError: If the baseline or the history is damaged.
    """
    of = suite.name, source.target.id
    baseline = source.workspace.baselines.read(suite.name, source.target)
    for _ in range(_ROUNDS):
        said = history.judgements(*of)
        keys = history.run_keys(*of), history.run_keys(*of, "confirmation")
        outdated = find_outdated(*keys, said, after=_last_of(baseline)) - into.left
        if not outdated:
            break
        judge_nights(source, suite, history, outdated, into=into, progress=progress)
    else:
        said = history.judgements(*of)
    settle_events(history, *of, said, _people(source, baseline))


def judge_all(source: NightSource, suite: Suite, history: History) -> int:
    """Judge all nights since the accepted ones again whose recordings are at hand; settle events.

    Args:
        source: Where recordings of nights lie.
        suite: The contract.
        history: All nights of the watch.

    Returns:
        How many were judged.

    Raises:
        RecordingError: If the baseline or the history is damaged.
    """
    of, done = (suite.name, source.target.id), JudgedAgain()
    baseline = source.workspace.baselines.read(suite.name, source.target)
    nights = {key.night for key in history.run_keys(*of) if key.night > _last_of(baseline)}
    judge_nights(source, suite, history, nights, into=done)
    settle_events(history, *of, history.judgements(*of), _people(source, baseline))
    return len(done.verdicts)


def _last_of(baseline: Baseline | None) -> str:
    return max((one.statistics.night for one in baseline.nights), default="") if baseline else ""


def _people(source: NightSource, baseline: Baseline | None) -> tuple[HistoryEvent, ...]:
    exemptions = source.workspace.exemptions.read(source.suite, source.target)
    return human_events(source.suite, source.target.id, baseline, exemptions)


def judge_nights(
    source: NightSource,
    suite: Suite,
    history: History,
    nights: Collection[str],
    *,
    into: JudgedAgain,
    progress: Progress | None = None,
) -> None:
    """Judge some nights again, oldest first, and keep what is said of each.

    Args:
        source: Where recordings of nights lie.
        suite: The contract.
        history: All nights of the watch.
        nights: ISO dates.
        into: Told what was said of each.
        progress: Told after every night that is.

    Raises:
        RecordingError: If the baseline or the history is damaged.
    """
    of = suite.name, source.target.id
    keys = {key.night: key for key in history.run_keys(*of)}
    said = {one.night: one.verdict for one in history.judgements(*of)}
    # Not read where no recording is at hand: that may be so every night from then on.
    ground: Ground | None = None
    told = progress or SilentProgress()
    tally = Tally(planned=len(nights), notice=f"judging nights again: {len(nights)}")
    for night in sorted(nights):
        run = _read(source, suite, keys[night])
        if run is None:
            into.left.add(night)
            tally.planned -= 1
            continue
        ground = ground or read_ground(
            source.workspace, suite, source.target, history, most_values=None
        )
        judged = judge_on(ground, run)
        keep_judged(history, judged)
        before = into.verdicts[night][0] if night in into.verdicts else said.get(night)
        into.verdicts[night] = before, judged.judgement.verdict
        tally.done += 1
        told.update(tally)


def _read(source: NightSource, suite: Suite, key: RunKey) -> MeasuredRun | None:
    """Measure a night again; None when its recording is not at hand, or not the one it was."""
    try:
        with source.opened(key.run_id) as folder:
            found = None if folder is None else read_night(folder, suite)
    except RecordingError:
        return None
    return found.run if found and (found.root or "") == key.run_root else None
