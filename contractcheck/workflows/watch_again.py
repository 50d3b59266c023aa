"""Judge nights again that rest on other nights than they were judged by.

A night may come late: its runner was down and it was made after the next one, it came from another
machine, or an outage was made good. Every judgement says by a digest which nights it rests on, so
whoever looks next finds those that do not hold any more, whatever was killed in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.sampling import SilentProgress, Tally
from contractcheck.workflows.history_events import human_events
from contractcheck.workflows.watch_ground import read_ground
from contractcheck.workflows.watch_judging import judge_on
from contractcheck.workflows.watch_keeping import keep_judged, settle_events
from contractcheck.workflows.watch_seen import find_outdated

if TYPE_CHECKING:
    from collections.abc import Collection

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.history import HistoryEvent, NightJudgement
    from contractcheck.model.judgement import Verdict
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
        nights: What was said of each before (None: nothing) and what is said now, oldest first.
        left: Nights that were not, and why their recordings cannot be read (``NightSource.read``):
            what was said of them stands.
    """

    nights: dict[str, tuple[NightJudgement | None, NightJudgement]] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> dict[str, tuple[Verdict | None, Verdict]]:
        """The verdicts of those of which something else is said now."""
        pairs = {
            night: (before.verdict if before else None, now.verdict)
            for night, (before, now) in self.nights.items()
        }
        return {night: pair for night, pair in pairs.items() if pair[0] is not pair[1]}


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
        outdated = find_outdated(*keys, said, after=_last_of(baseline)) - into.left.keys()
        if not outdated:
            break
        judge_nights(source, suite, history, outdated, into=into, progress=progress)
    else:
        said = history.judgements(*of)
    settle_events(history, *of, said, _people(source, baseline))


def judge_all(source: NightSource, suite: Suite, history: History) -> JudgedAgain:
    """Judge all nights since the accepted ones again whose recordings are at hand; settle events.

    Args:
        source: Where recordings of nights lie.
        suite: The contract.
        history: All nights of the watch.

    Returns:
        What was said of each, and which could not be judged.

    Raises:
        RecordingError: If the baseline or the history is damaged.
    """
    of, done = (suite.name, source.target.id), JudgedAgain()
    baseline = source.workspace.baselines.read(suite.name, source.target)
    nights = {key.night for key in history.run_keys(*of) if key.night > _last_of(baseline)}
    judge_nights(source, suite, history, nights, into=done)
    settle_events(history, *of, history.judgements(*of), _people(source, baseline))
    return done


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
    said = {one.night: one for one in history.judgements(*of)}
    # Not read where no recording is at hand: that may be so every night from then on.
    ground: Ground | None = None
    told = progress or SilentProgress()
    tally = Tally(planned=len(nights), notice=f"judging nights again: {len(nights)}")
    for night in sorted(nights):
        key = keys.get(night)
        found = source.read(key, suite) if key else None
        if found is None or isinstance(found, str):
            if found is not None:  # else its row is gone meanwhile: there is no such night now
                into.left[night] = found
            tally.planned -= 1
            continue
        ground = ground or read_ground(
            source.workspace, suite, source.target, history, most_values=None
        )
        judged = judge_on(ground, found)
        keep_judged(history, judged)
        before = into.nights[night][0] if night in into.nights else said.get(night)
        into.nights[night] = before, judged.kept_form()
        tally.done += 1
        told.update(tally)
