"""``contractcheck runs prune``, ``merge``, ``import`` and ``export``: what makes or removes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from contractcheck.cli.options import root_option, select_suites, suite_option, workspace
from contractcheck.cli.runs_archive import prune_store
from contractcheck.cli.runs_options import target_option, told_count, told_size
from contractcheck.errors import UsageError
from contractcheck.report.safe_text import one_line
from contractcheck.workflows.retention import KEPT_NIGHTS, KEPT_RUNS, PruneRule, Retention

if TYPE_CHECKING:
    from contractcheck.cassettes.vcr_export import VcrFormat
    from contractcheck.model.target import Target
    from contractcheck.workflows.workspace import Workspace

_HOURS = {"d": 24.0, "h": 1.0}


def _to_days(_context: click.Context, _option: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    number, unit = text[:-1], text[-1:]
    if unit not in _HOURS or not number.isdecimal() or len(number) > len("99999"):
        raise UsageError(f"--older-than {text!r} is not an age such as 90d or 12h")
    return int(number) * _HOURS[unit] / _HOURS["d"]


@click.command("prune")
@click.option("--older-than", callback=_to_days, metavar="AGE", help="Only runs older than 90d.")
@click.option(
    "--keep",
    type=click.IntRange(0),
    metavar="N",
    help=f"Newest runs of each suite and target that stay (default: {KEPT_RUNS}).",
)
@click.option("--store", metavar="URL", help="Prune this archive instead of the run store.")
@click.option(
    "--keep-nights",
    type=click.IntRange(0),
    metavar="N",
    help=f"Newest archived nights of each suite and target that stay (default: {KEPT_NIGHTS}).",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go; the default.")
@click.option("--yes", is_flag=True, help="Remove them.")
@root_option
def prune(  # noqa: PLR0917 - click passes options by name
    older_than: float | None,
    keep: int | None,
    store: str | None,
    keep_nights: int | None,
    dry_run: bool,  # noqa: FBT001 - click passes options by name
    yes: bool,  # noqa: FBT001 - click passes options by name
    root: Path,
) -> int:
    """Remove runs that no baseline names: never an accepted night, never a run under way.

    From an archive (--store) only runs of suites and targets go whose baselines lie here, and none
    that is marked there as accepted. Exit code 4 when a marked run is missing.
    """
    if dry_run and yes:
        raise UsageError("--dry-run and --yes contradict each other")
    place = workspace(root)
    if store is not None:
        if keep is not None or (older_than is None and keep_nights is None):
            raise UsageError("say what may go: --older-than 365d, --keep-nights 90, or both")
        nights = KEPT_NIGHTS if keep_nights is None else keep_nights
        retention = Retention(keep_nights=nights, older_than_days=older_than)
        return prune_store(place, store, retention, removes=yes)
    if keep_nights is not None or (older_than is None and keep is None):
        raise UsageError("say what may go: --older-than 90d, --keep 20, or both")
    _prune_runs(place, older_than, keep, removes=yes)
    return 0


def _prune_runs(
    place: Workspace, older_than: float | None, keep: int | None, *, removes: bool
) -> None:
    from contractcheck.workflows.runs_prune import plan_prune
    from contractcheck.workflows.runs_prune import prune as remove_runs

    rule = PruneRule(older_than_days=older_than, keep=KEPT_RUNS if keep is None else keep)
    choices = plan_prune(place, rule)
    removed = set(remove_runs(place, choices)) if removes else set()
    freed_bytes = 0
    for choice in choices:
        if choice.kept is not None:
            click.echo(one_line(f"keeps    {choice.folder.name}: {choice.kept}"))
            continue
        word = "would go" if not removes else "removed" if choice.folder in removed else "keeps"
        size = told_size(choice.size_bytes)
        click.echo(one_line(f"{word:<8} {choice.folder.name}  {size}"))
        freed_bytes += choice.size_bytes if not removes or choice.folder in removed else 0
    ending = "freed" if removes else "to free; --yes removes them"
    click.echo(f"{told_size(freed_bytes)} {ending}")


@click.command("merge")
@click.argument("runs", nargs=-1, required=True)
@suite_option
@root_option
def merge(runs: tuple[str, ...], suites: tuple[str, ...], root: Path) -> None:
    """Merge sealed RUNS of one suite, target and night into one new run; they stay.

    Refused: a trial that two of them hold, and whatever was not asked alike.
    """
    from contractcheck.cassettes import read_header
    from contractcheck.workflows.runs_merge import merge_runs

    place = workspace(root)
    folders = [place.runs.find(run) for run in runs]
    name = read_header(folders[0]).suite
    loaded = select_suites(place, suites) if suites or (root / "suites").is_dir() else []
    suite = next((one for one in loaded if one.name == name), None)
    merged = read_header(folder := merge_runs(place, folders, suite))
    click.echo(
        one_line(
            f"{merged.id}  {merged.suite}  {merged.target.id}  {merged.planned_trials} trials  "
            f"{merged.status}"
        )
    )
    click.echo(f"in {folder}", err=True)


@click.command("import")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option("--suite", required=True, metavar="NAME", help="Suite that the run is of.")
@click.option("--case", metavar="ID", help="Case of all files; else each is a case of its name.")
@target_option
@root_option
def import_(
    files: tuple[Path, ...], suite: str, case: str | None, target: Target | None, root: Path
) -> None:
    """Import vcrpy cassettes (YAML or JSON) into one new run, redacted.

    All of them or none. A cassette holds no times, so latency is never judged from such a run,
    and it is never a night of a baseline.
    """
    from contractcheck.workflows.runs_import import ImportOptions, import_cassettes

    options = ImportOptions(suite=suite, case=case, target=target)
    made = import_cassettes(workspace(root), files, options)
    for name, count in made.interactions.items():
        click.echo(one_line(f"{name}  {told_count(count, 'interaction')}"))
    for note in made.notes:
        click.echo(one_line(f"note: {note}"), err=True)
    click.echo(one_line(f"{made.header.id}  {made.header.suite}  {made.header.target.id}"))
    click.echo(f"in {made.folder}", err=True)


@click.command("export")
@click.argument("run")
@click.option(
    "--format",
    "style",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    help="json holds UTF-8 bodies only.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files (default: one named like the run).",
)
@root_option
def export(run: str, style: VcrFormat, output: Path | None, root: Path) -> None:
    """Export RUN as vcrpy cassettes, one per case; existing files are never replaced."""
    from contractcheck.cassettes import read_header
    from contractcheck.workflows.runs_export import export_run

    folder = workspace(root).runs.find(run)
    for file in export_run(folder, output or Path(read_header(folder).id), style=style):
        told = told_count(file.interactions, "interaction")
        if file.left_out:
            told += f", {told_count(file.left_out, 'attempt')} without a whole response left out"
        click.echo(one_line(f"{file.path}  {told}"))
