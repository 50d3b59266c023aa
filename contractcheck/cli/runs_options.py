"""What the commands on recordings share: the target option, and how numbers are told."""

from __future__ import annotations

import click

from contractcheck.errors import UsageError
from contractcheck.model.target import Target, parse_target

_KILO = 1000


def _to_target(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> Target | None:
    if text is None:
        return None
    parts = parse_target(text)
    if parts is None:
        raise UsageError(f"--target {text!r} is not PROVIDER:MODEL, such as openai:gpt-5-mini")
    return Target(provider=parts[0], model=parts[1])


target_option = click.option(
    "--target", metavar="PROVIDER:MODEL", callback=_to_target, help="Who answered."
)


def told_size(size_bytes: int) -> str:
    """A size as people read it: ``812 B``, ``12.3 kB``, ``4.0 MB``."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if size < _KILO:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= _KILO
    return f"{size:.1f} GB"


def told_count(count: int, noun: str) -> str:
    """A number of things: ``1 interaction``, ``2 interactions``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
