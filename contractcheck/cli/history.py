"""``contractcheck history``: what nights came to, and making that again from the runs."""

from __future__ import annotations

import click

from contractcheck.cli.history_rebuild import rebuild
from contractcheck.cli.history_show import show


class _ShowingGroup(click.Group):
    """Shows, unless the first word is another command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the word ``show`` in where it was left out."""
        is_said = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if is_said else ["show", *args])


@click.group("history", cls=_ShowingGroup)
def command() -> None:
    """Show the nights of the watch, or make their history again from the runs.

    `history SUITE` is `history show SUITE`.
    """


command.add_command(show)
command.add_command(rebuild)
