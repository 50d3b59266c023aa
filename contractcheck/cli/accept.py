"""``contractcheck accept``: the human act that makes a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import (
    history_option,
    root_option,
    select_suite_of,
    select_suites,
    suite_option,
    workspace,
)
from contractcheck.cli.runs_options import told_count
from contractcheck.cli.subjects import choose_subjects
from contractcheck.errors import UsageError
from contractcheck.report.safe_text import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from contractcheck.model.baseline import Baseline
    from contractcheck.model.suite import Suite
    from contractcheck.workflows.accept import AcceptOptions
    from contractcheck.workflows.workspace import Workspace


_FEW_NIGHTS = 3
"""Below, a change of one case in ten may not show (docs/how-to/after-an-alarm.md)."""

_UNMARKED = (
    "note: no archive is named (--store): who prunes one elsewhere knows of this acceptance only "
    "once it is merged, or watched with that archive"
)
"""Said where a history is shared, because nights then usually lie in an archive as well."""


@click.command("accept")
@click.argument("runs", nargs=-1)
@click.option(
    "--since",
    metavar="NIGHT",
    help="The provider changed, and that is accepted: begin anew with all nights from this one on.",
)
@click.option(
    "--gate",
    metavar="ID",
    help="A gate is over and its new side moved to: begin its baseline, provisionally.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="PROVIDER:MODEL",
    help="With --since: who changed. With --gate: which new side.",
)
@click.option("--reason", required=True, help="Why these nights are good; kept for reviewers.")
@click.option("--by", help="Who accepts (default: the user of this process).")
@click.option("--ticket", help="Reference to where it was decided.")
@click.option("--expires", metavar="DATE", help="When the acceptance must be renewed.")
@click.option(
    "--max-cassette-mb",
    type=click.FloatRange(0, min_open=True),
    default=5.0,
    show_default=True,
    metavar="MB",
    help="Refuse to put larger case files into version control.",
)
@click.option(
    "--store",
    envvar="CONTRACTCHECK_STORE",
    metavar="URL",
    help="The archive: runs that only it has are fetched, accepted ones kept and marked in it.",
)
@history_option
@suite_option
@root_option
def command(  # noqa: PLR0917 - click passes options by name
    runs: tuple[str, ...],
    since: str | None,
    gate: str | None,
    targets: tuple[str, ...],
    reason: str,
    by: str | None,
    ticket: str | None,
    expires: str | None,
    max_cassette_mb: float,
    store: str | None,
    history: str | None,
    suites: tuple[str, ...],
    root: Path,
) -> None:
    """Accept RUNS (ids or folders) as nights of their baseline: all of them or none.

    Refused: incomplete or interrupted runs, other requests than the suite sends now, open
    breaches, nights that are accepted already.

    With --since, no RUNS: every complete night since then is accepted and says where the provider
    stands now; the nights before go on telling how much nights vary. With --gate the same is done
    with the new side of a gate, whose answers are its first night, and the old side's nights.
    """
    from contractcheck.workflows.accept import AcceptOptions
    from contractcheck.workflows.run_archive import open_archive

    place = workspace(root)
    options = AcceptOptions(
        reason=reason,
        by=by,
        ticket=ticket,
        expires=expires,
        max_cassette_mb=max_cassette_mb,
        archive=None if store is None else open_archive(store),
    )
    _refuse_mixed_ways(runs, since, gate, targets)
    if since is not None:
        _rebase(place, suites, targets, since, options, history=history)
    elif gate is not None:
        _begin(place, suites, targets, gate, options)
    else:
        _accept(place, suites, runs, options)
    if store is None and history is not None:
        click.echo(_UNMARKED, err=True)


def _refuse_mixed_ways(
    runs: tuple[str, ...], since: str | None, gate: str | None, targets: tuple[str, ...]
) -> None:
    if sum(map(bool, (runs, since, gate))) > 1:
        raise UsageError("RUNS, --since and --gate are three ways to accept; choose one")
    if since is not None or gate is not None:
        return
    if not runs:
        raise UsageError("name the RUNS to accept, or --since NIGHT to begin anew, or --gate ID")
    if targets:
        raise UsageError("--target goes with --since or --gate; a run says itself whose it is")


def _accept(
    place: Workspace, suites: tuple[str, ...], runs: tuple[str, ...], options: AcceptOptions
) -> None:
    from contractcheck.workflows.accept import accept_runs
    from contractcheck.workflows.archive_accepted import bring_run

    folders = [bring_run(place, options.archive, run) for run in runs]
    chosen = select_suites(place, suites)
    for baseline in accept_runs(place, folders, chosen, options):
        _show(place, baseline, next(suite for suite in chosen if suite.name == baseline.suite))


def _rebase(
    place: Workspace,
    suites: tuple[str, ...],
    targets: tuple[str, ...],
    since: str,
    options: AcceptOptions,
    *,
    history: str | None,
) -> None:
    from contractcheck.workflows.rebase import accept_since

    chosen = choose_subjects(place, suites, targets)
    if len(chosen) != 1:
        names = ", ".join(f"{suite.name} × {target.id}" for suite, target in chosen)
        raise UsageError(
            f"--since begins one baseline anew, and this is about {names}; "
            "name it by --suite and --target"
        )
    made = accept_since(place, *chosen[0], since, options, history=history)
    for words in made.passed_over:
        click.echo(one_line(f"passed over: {words}"), err=True)
    located = len(made.baseline.eras[-1])
    nights = "1 night places" if located == 1 else f"{located} nights place"
    click.echo(f"re-based on {made.since}: {nights} the location")
    if located < _FEW_NIGHTS:
        click.echo(
            "until more are accepted, a further change shows soon only if it is large; checks, "
            "limits and identity are not affected"
        )
    _show(place, made.baseline, chosen[0][0])


def _begin(
    place: Workspace,
    suites: tuple[str, ...],
    targets: tuple[str, ...],
    gate: str,
    options: AcceptOptions,
) -> None:
    from contractcheck.workflows.provisional import accept_gate

    suite = select_suite_of(place, place.gates.find(gate).suite, suites)
    if len(targets) > 1:
        raise UsageError("--gate begins one baseline; name one --target")
    made = accept_gate(place, gate, suite, next(iter(targets), None), options)
    lent = told_count(len(made.nights) - 1, "night")
    click.echo(
        "provisional: the gate's answers say where the new side stands, "
        f"{lent} of the old one how much nights vary; accept its own nights as they come"
    )
    _show(place, made, suite)


def _show(place: Workspace, baseline: Baseline, suite: Suite) -> None:
    from contractcheck.workflows.baseline_health import examine_accepted

    nights = [night.statistics.night for night in baseline.nights]
    where = place.baselines.folder(baseline.suite, baseline.target)
    click.echo(
        f"{baseline.suite} × {baseline.target.id}: {len(nights)} accepted nights, "
        f"{nights[0]} … {nights[-1]}; review and commit {where}"
    )
    if words := examine_accepted(place, suite, baseline):
        click.echo(one_line(f"WARNING: {words}"), err=True)
