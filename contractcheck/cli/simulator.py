"""``contractcheck simulator``: a provider on a local port."""

from __future__ import annotations

import click

from contractcheck.cli.options import read_night


@click.command("simulator")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
@click.option(
    "--change",
    "changes",
    multiple=True,
    metavar="NAME[=X]",
    help="Change silently under the same model name; --list-changes tells which.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Which answers come.")
@click.option(
    "--time-scale",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    help="Every wait times this; 0 waits for nothing.",
)
@click.option(
    "--night", metavar="DATE", default="today", help="Which night it is (default: today, UTC)."
)
@click.option("--no-night-effects", is_flag=True, help="Make all nights alike.")
@click.option(
    "--error-rate",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of requests that fail with 429, 503 and the like.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="NAME[=X]",
    help="Make the way fail, for tests of retries and streams; --list-faults tells how.",
)
@click.option("--list-faults", is_flag=True, help="Describe every fault and exit.")
@click.option("--list-changes", is_flag=True, help="Describe every change and exit.")
def command(  # noqa: PLR0917 - click passes options by name
    host: str,
    port: int,
    changes: tuple[str, ...],
    seed: int,
    time_scale: float,
    night: str,
    no_night_effects: bool,  # noqa: FBT001 - click passes options by name
    error_rate: float,
    faults: tuple[str, ...],
    list_faults: bool,  # noqa: FBT001 - click passes options by name
    list_changes: bool,  # noqa: FBT001 - click passes options by name
) -> None:
    """Serve the wires of several providers from a language model that really samples."""
    from contractcheck.simulator import FAULTS, Conditions, parse_change, parse_faults, serve

    if list_changes:
        _list_changes()
        return
    if list_faults:
        for name, (amount, summary) in FAULTS.items():
            click.echo(f"{name:<20} {amount:<24} {summary}")
        return
    conditions = Conditions(
        night=read_night(night),
        changes=tuple(parse_change(text) for text in changes),
        seed=seed,
        time_scale=time_scale,
        night_effects=not no_night_effects,
        error_rate=error_rate,
        faults=parse_faults(faults),
    )
    serve(conditions, host=host, port=port, announce=lambda url: click.echo(f"listening on {url}"))


def _list_changes() -> None:
    from contractcheck.incidents import read_catalogue
    from contractcheck.simulator import CHANGES

    for name, change in CHANGES.items():
        amount = f"{change.unit}, {change.default:g} by default"
        click.echo(f"{name:<35} {change.plane:<12} {amount:<24} {change.summary}")
    for name, incident in read_catalogue().items():
        amount = (
            f"share, {incident.share:g} by default" if incident.is_playable else "not on a wire"
        )
        told = f"{incident.date}, {' and '.join(incident.classes)}: {incident.summary}"
        click.echo(f"{name:<35} {incident.plane:<12} {amount:<24} {told}")
