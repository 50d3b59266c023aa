"""Options of whoever records: whom to ask, how fast, and how much of it."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypedDict, TypeVar, cast

import click

from contractcheck.cli.bounds_options import bounds_options
from contractcheck.cli.options import max_usd_option, prices_option

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from contractcheck.cassettes import Fsync
    from contractcheck.sampling import Bounds

P = ParamSpec("P")
R = TypeVar("R")


class _Asked(TypedDict):
    base_url: str | None
    concurrency: int
    max_requests: int | None
    label: str
    fsync: Fsync
    max_usd: float | None
    prices: Path | None
    bounds: Bounds


_OPTIONS = (
    click.option("--base-url", metavar="URL", help="Ask here instead of the provider's own host."),
    click.option(
        "--concurrency",
        type=click.IntRange(1, 64),
        default=8,
        show_default=True,
        help="Requests under way at once.",
    ),
    click.option(
        "--max-requests", type=click.IntRange(1), metavar="N", help="Stop after N requests."
    ),
    click.option("--label", default="", help="Words kept and shown with the run."),
    click.option(
        "--fsync",
        type=click.Choice(["each", "close"]),
        default="close",
        show_default=True,
        help="When the disk itself must confirm: after each exchange, or at the end. A killed run "
        "keeps what was finished either way; a power cut takes none of it with `each`.",
    ),
    max_usd_option,
    prices_option,
)


def record_options(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command these options; it gets one argument ``record`` for all of them."""

    @wraps(command)
    def recording(*arguments: P.args, **named: P.kwargs) -> R:
        from contractcheck.providers.prices import load_prices
        from contractcheck.workflows.record import RecordOptions

        asked = cast("_Asked", {name: named.pop(name) for name in _Asked.__annotations__})
        named["record"] = RecordOptions(
            base_url=asked["base_url"],
            concurrency=asked["concurrency"],
            max_requests=asked["max_requests"],
            label=asked["label"],
            fsync=asked["fsync"],
            max_usd=asked["max_usd"],
            prices=load_prices(asked["prices"]),
            bounds=asked["bounds"],
        )
        return command(*arguments, **named)

    bounded = bounds_options(recording)
    for option in reversed(_OPTIONS):
        bounded = option(bounded)
    return bounded
