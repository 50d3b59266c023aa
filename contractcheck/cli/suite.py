"""``contractcheck suite``: check suite files, print their schema."""

from __future__ import annotations

from pathlib import Path

import click

from contractcheck.cli.options import workspace


@click.group("suite")
def command() -> None:
    """Check suite files; print their JSON Schema."""


@command.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(paths: tuple[Path, ...]) -> None:
    """Load every suite at PATHS and tell every problem at once; writes nothing."""
    for suite in workspace(Path()).load_suites(paths):
        targets = ", ".join(target.id for target in suite.targets)
        trials = sum(case.samples for case in suite.cases)
        click.echo(
            f"{suite.path}: {suite.name} {suite.version}: {len(suite.cases)} cases, {trials} "
            f"requests per run and target; {targets}; fingerprint {suite.fingerprint[:12]}"
        )


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of suite files, for editors."""
    from contractcheck.suite import suite_schema

    click.echo(suite_schema(), nl=False)
