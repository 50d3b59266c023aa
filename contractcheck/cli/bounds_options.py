"""Options that bound a session: retries, patience, deadline, rate, tokens, time-outs."""

from __future__ import annotations

import math
import os
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import click

if TYPE_CHECKING:
    from collections.abc import Callable


class _Bound(click.FloatRange):
    """A number above 0 that bounds something: neither endless nor no number."""

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} bounds nothing", param, ctx)
        return number


_ABOVE_ZERO = _Bound(0, min_open=True)

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS = (
    click.option(
        "--attempts",
        type=click.IntRange(1, 20),
        default=4,
        show_default=True,
        help="Requests that one trial may take, if they fail for no fault of its own.",
    ),
    click.option(
        "--no-retry",
        is_flag=True,
        help="Repeat nothing and bear everything: measures raw reliability.",
    ),
    click.option(
        "--patience",
        "patience_s",
        type=_ABOVE_ZERO,
        default=120.0,
        show_default=True,
        metavar="S",
        help="Stop when nothing was answered for S seconds, or a provider asks to wait longer.",
    ),
    click.option(
        "--deadline",
        "deadline_s",
        type=_ABOVE_ZERO,
        metavar="S",
        help="Stop after S seconds, whatever is under way; the run can be resumed.",
    ),
    click.option(
        "--requests-per-minute",
        type=_ABOVE_ZERO,
        metavar="N",
        help="Send no faster, counting every process of this machine that asks the same.",
    ),
    click.option(
        "--max-tokens",
        type=click.IntRange(1),
        metavar="N",
        help="Stop before N tokens, input and output, are spent.",
    ),
    click.option(
        "--idle-timeout",
        "idle_timeout_s",
        type=_ABOVE_ZERO,
        default=120.0,
        show_default=True,
        metavar="S",
        help="Longest silence before an answer's headers and between its pieces.",
    ),
    click.option(
        "--request-timeout",
        "request_timeout_s",
        type=_ABOVE_ZERO,
        default=600.0,
        show_default=True,
        metavar="S",
        help="Longest time for one answer.",
    ),
    click.option(
        "--first-token-timeout",
        "first_token_timeout_s",
        type=_ABOVE_ZERO,
        metavar="S",
        help="Longest time until an answer has content.",
    ),
)


def bounds_options(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command these options; it gets one argument ``bounds`` for all of them."""

    @wraps(command)
    def bounded(*arguments: P.args, **named: P.kwargs) -> R:
        from contractcheck.workflows.bounds import Asked, make_bounds

        asked = cast("Asked", {name: named.pop(name) for name in Asked.__annotations__})
        named["bounds"] = make_bounds(os.environ, **asked)
        return command(*arguments, **named)

    for option in reversed(_OPTIONS):
        bounded = option(bounded)
    return bounded
