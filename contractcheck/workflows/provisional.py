"""After a gate: the new side's answers are the first night of its own baseline, provisionally.

The gate asked the new side on one night. That says where it stands; how much its nights differ
nobody knows yet, and the old side's accepted nights stand in where the requests are the same. Both
are replaced by nights of the new side as these are accepted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from contractcheck.cassettes import is_sealed, read_run
from contractcheck.errors import AcceptRefusedError, UsageError
from contractcheck.measuring import observe
from contractcheck.model.baseline import AcceptedNight, Baseline
from contractcheck.workflows.accept import contract_reasons, make_acceptance
from contractcheck.workflows.archive_accepted import bring_run, mark_nights, secure_runs
from contractcheck.workflows.gate_sides import parse_side, resolve_target

if TYPE_CHECKING:
    from contractcheck.model.gate import GatePlan
    from contractcheck.model.suite import Suite
    from contractcheck.model.target import Target
    from contractcheck.workflows.accept import AcceptOptions
    from contractcheck.workflows.workspace import Workspace


def accept_gate(
    workspace: Workspace, gate: str, suite: Suite, target: str | None, options: AcceptOptions
) -> Baseline:
    """Begin the baseline of a gate's new side.

    Args:
        workspace: Where gates, runs and baselines lie.
        gate: Id of a gate, or an unambiguous beginning of it.
        suite: The gate's suite, as it is now.
        target: Id of the new side's target; None when the gate had one new side.
        options: Who accepts, and why.

    Returns:
        Accepted nights of the old side, then the gate's answers as an era of their own.

    Raises:
        UsageError: If there is no such gate or side.
        AcceptRefusedError: If the gate is not over, the new side has a baseline or is the old one,
            or its answers break the contract; nothing was written.
        RecordingError: If a recording or baseline is damaged, or the archive out of reach.
    """
    acceptance = make_acceptance(options)
    plan = workspace.gates.find(gate)
    if plan.suite != suite.name:
        raise UsageError(f"gate {plan.id} is of suite {plan.suite!r}, not {suite.name!r}")
    name, new = _new_side(plan, suite, target)
    old = resolve_target(parse_side(plan.sides[0], "--gate"), suite, "--gate")
    _refuse_plan(workspace, plan, suite, old, new)
    folder = workspace.runs.folder(suite.name, new, f"{plan.id}{name}")
    if options.archive is not None and not folder.exists():
        bring_run(workspace, options.archive, folder.name)
    if not is_sealed(folder):
        raise AcceptRefusedError(f"{folder.name}: the new side's run is not below {folder.parent}")
    run = read_run(folder)
    seen = observe(run, suite)
    if reasons := contract_reasons(seen, suite):
        raise AcceptRefusedError("\n".join(f"{folder.name}: {why}" for why in reasons))
    night = AcceptedNight(
        # Part of the gate, and whole as a night: every case has every block.
        statistics=replace(seen.statistics, is_complete=True),
        run_root=run.root or "",
        acceptance=replace(acceptance, reason=f"provisional, gate {plan.id}: {acceptance.reason}"),
        parts={case: dict(one.parts) for case, one in run.header.cases.items()},
        vantage=dict(run.header.vantage),
    )
    secure_runs(options.archive, [(folder, run)])
    mark_nights(options.archive, workspace.baselines.read(suite.name, old))
    return _write(workspace, suite, old, new, night)


def _new_side(plan: GatePlan, suite: Suite, target: str | None) -> tuple[str, Target]:
    """Name of the new side in its gate, and who it is."""
    names = ["to", *(f"to{index}" for index in range(2, len(plan.sides)))]
    found = [
        (name, resolve_target(parse_side(text, "--gate"), suite, "--gate"))
        for name, text in zip(names, plan.sides[1:], strict=True)
    ]
    chosen = [(name, one) for name, one in found if target in (None, one.id)]
    if len(chosen) != 1:
        there = ", ".join(one.id for _, one in found)
        raise UsageError(f"gate {plan.id} moves to {there}; name one of them by --target")
    return chosen[0]


def _refuse_plan(
    workspace: Workspace, plan: GatePlan, suite: Suite, old: Target, new: Target
) -> None:
    if not plan.outcome:
        raise AcceptRefusedError(
            f"gate {plan.id} is not over; `contractcheck gate --resume {plan.id}` goes on with it"
        )
    if old.id == new.id:
        raise AcceptRefusedError(
            f"gate {plan.id} stays at {new.id}: record a night as it is asked now, and accept it"
        )
    if workspace.baselines.read(suite.name, new) is not None:
        raise AcceptRefusedError(
            f"{suite.name} × {new.id} has accepted nights already; a gate only begins a baseline"
        )


def _write(
    workspace: Workspace, suite: Suite, old: Target, new: Target, night: AcceptedNight
) -> Baseline:
    store = workspace.baselines
    before = store.read(suite.name, old)
    first = night.statistics.night
    earlier = [one for one in (before.nights if before else ()) if one.statistics.night < first]
    baseline = Baseline(
        suite=suite.name,
        target=new,
        nights=(*earlier, night),
        # Replay needs a whole night of the suite; a gate's run is not one.
        reference_night=None,
        rebases=(first,) if earlier else (),
    )
    with store.locked(suite.name, new, locks=workspace.locks):
        if store.read(suite.name, new) is not None:
            raise AcceptRefusedError(f"{suite.name} × {new.id} has just been accepted by another")
        store.write(baseline, None)
    return baseline
