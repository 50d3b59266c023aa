"""Judge nights again that rest on other nights than they were judged by.

A night may come late: its runner was down and it was made after the next one, it came from another
machine, or an outage was made good. Every judgement says by a digest which nights it rests on, so
whoever looks next finds those that do not hold any more, whatever was killed in between.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.errors import RecordingError
from contractcheck.sampling import SilentProgress, Tally
from contractcheck.workflows.history_events import human_events
from contractcheck.workflows.night_sampling import read_night
from contractcheck.workflows.watch_ground import read_ground
from contractcheck.workflows.watch_judging import judge_on
from contractcheck.workflows.watch_keeping import keep_judged, settle_events
from contractcheck.workflows.watch_seen import MOST_LATER, NOTHING, seen_digest, seen_line

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from contractcheck.model.history import NightJudgement, RunKey
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
    source: NightSource, suite: Suite, history: History, progress: Progress | None = None
) -> JudgedAgain:
    """Judge every night since the accepted ones that rests on other nights than it was judged by.

    Each is kept at once: killed and started again, it goes on where it was. Events are settled.

    Args:
        source: Where recordings of nights lie.
        suite: The contract.
        history: All nights of the watch.
        progress: Told after every night.

    Raises:
        RecordingError: If the baseline or the history is damaged.
    """
    done = JudgedAgain()
    for _ in range(_ROUNDS):
        outdated = find_outdated(source, suite, history) - done.left
        if not outdated:
            break
        judge_nights(source, suite, history, outdated, into=done, progress=progress)
    _settle(source, suite, history)
    return done


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
    last = _last_accepted(source, suite)
    nights = {key.night for key in history.run_keys(suite.name, source.target.id)}
    done = JudgedAgain()
    judge_nights(source, suite, history, {one for one in nights if one > last}, into=done)
    _settle(source, suite, history)
    return len(done.verdicts)


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
        progress: Told after every night.

    Raises:
        RecordingError: If the baseline or the history is damaged.
    """
    ground = read_ground(source.workspace, suite, source.target, history, most_values=None)
    keys = {key.night: key for key in history.run_keys(suite.name, source.target.id)}
    said = {one.night: one for one in history.judgements(suite.name, source.target.id)}
    tally, told = Tally(planned=len(nights)), progress or SilentProgress()
    for night in sorted(nights):
        verdict = _judge(source, ground, keys[night])
        if verdict is None:
            into.left.add(night)
        else:
            before = said[night].verdict if night in said else None
            into.verdicts[night] = into.verdicts.get(night, (before, verdict))[0], verdict
        tally.done += 1
        told.update(tally)


def _judge(source: NightSource, ground: Ground, key: RunKey) -> Verdict | None:
    """Judge one night again; None when its recording is not at hand, or not the one it was."""
    try:
        with source.opened(key.run_id) as folder:
            found = None if folder is None else read_night(folder, ground.suite)
    except RecordingError:
        return None
    if found is None or (found.root or "") != key.run_root:
        return None
    judged = judge_on(ground, found.run)
    return judged.judgement.verdict if keep_judged(ground.history, judged) else None


def find_outdated(source: NightSource, suite: Suite, history: History) -> set[str]:
    """Nights since the accepted ones that nothing was said of, or by other nights than there are.

    Nights that were accepted meanwhile count as they did when a night was judged: what was said
    then, by the accepted nights of then, stands.
    """
    of = suite.name, source.target.id
    last = _last_accepted(source, suite)
    said = {one.night: one for one in history.judgements(*of)}
    seen = _Seen.of(history.run_keys(*of), history.run_keys(*of, "confirmation"))
    return {key.night for key in seen.nights if key.night > last and not seen.holds(key, said)}


def _last_accepted(source: NightSource, suite: Suite) -> str:
    baseline = source.workspace.baselines.read(suite.name, source.target)
    return max((one.statistics.night for one in baseline.nights), default="") if baseline else ""


def _settle(source: NightSource, suite: Suite, history: History) -> None:
    baseline = source.workspace.baselines.read(suite.name, source.target)
    exemptions = source.workspace.exemptions.read(suite.name, source.target)
    people = human_events(suite.name, source.target.id, baseline, exemptions)
    settle_events(history, suite.name, source.target.id, people)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What every night would be judged by now.

    Attributes:
        nights: All of them, oldest first.
        complete: Dates of those that enter charts.
        lines: Their ``seen_line``.
        confirmations: That of each night's confirmation.
    """

    nights: tuple[RunKey, ...]
    complete: Sequence[str]
    lines: Sequence[str]
    confirmations: Mapping[str, str]

    @classmethod
    def of(cls, nights: tuple[RunKey, ...], confirmations: tuple[RunKey, ...]) -> _Seen:
        """Prepare to look many nights up."""
        complete = [key for key in nights if key.is_complete]
        return cls(
            nights=nights,
            complete=[key.night for key in complete],
            lines=[seen_line(key) for key in complete],
            confirmations={key.night: seen_line(key) for key in confirmations if key.is_complete},
        )

    def holds(self, key: RunKey, said: Mapping[str, NightJudgement]) -> bool:
        """Whether what was said of a night rests on what there is."""
        one = said.get(key.night)
        if one is None or one.run_id != key.run_id:
            return False
        if one.seen == NOTHING:
            return True
        first = bisect_right(self.complete, one.after)
        until = bisect_left(self.complete, key.night)
        lines = self.lines[max(first, until - MOST_LATER) : until]
        return one.seen == seen_digest(lines, self.confirmations.get(key.night, ""))
