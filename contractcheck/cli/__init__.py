"""The command line: only click; each command calls one workflow and prints its report.

Exit codes: 0 PASS or QUIET (and INCONCLUSIVE under ``warn``), 1 FAIL, 2 usage or configuration,
3 INCONCLUSIVE (under ``fail``), 4 could not measure, 5 nothing to check, 130/143 signals.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import click

from contractcheck import __version__
from contractcheck.errors import ContractcheckError, MeasurementError
from contractcheck.report.safe_text import show

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_COMMANDS = {
    "accept": ("contractcheck.cli.accept", "Accept recorded runs as nights of a baseline."),
    "calibrate": ("contractcheck.cli.calibrate", "Measure a suite's own error rates."),
    "compare": ("contractcheck.cli.compare", "Compare two recorded tables."),
    "demo": ("contractcheck.cli.demo", "Show the whole thing on this machine, offline, no key."),
    "gate": ("contractcheck.cli.gate", "Decide whether one model may replace another."),
    "history": ("contractcheck.cli.history", "Show the nights of the watch, or make them anew."),
    "mute": ("contractcheck.cli.mute", "Keep known findings from deciding, until a date."),
    "plan": ("contractcheck.cli.plan", "Say what a suite would see and cost; nothing is asked."),
    "quarantine": ("contractcheck.cli.quarantine", "Keep cases out of the charts, until a date."),
    "report": ("contractcheck.cli.report", "Judge a recorded run again and print the report."),
    "rescore": ("contractcheck.cli.rescore", "Measure recorded nights by the suite as it is now."),
    "run": ("contractcheck.cli.run", "Sample a target, record and judge."),
    "runs": ("contractcheck.cli.runs", "List, show, prove, compare, import and export runs."),
    "simulator": ("contractcheck.cli.simulator", "Serve a provider that really samples."),
    "status": ("contractcheck.cli.status", "Say whether the watch is alive and sees its cases."),
    "simulate-year": ("contractcheck.cli.simulate_year", "Simulate years of a suite's watch."),
    "suite": ("contractcheck.cli.suite", "Check suite files; print their JSON Schema."),
    "watch": ("contractcheck.cli.watch", "Make tonight once, and judge it by all nights since."),
}
"""Name → module with ``command``, and its line in ``--help`` (so that --help imports nothing)."""


class _StoppedError(Exception):
    """A signal ended the command; its number is what the exit code says."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


class _LazyGroup(click.Group):
    """Imports a command's module when it is called, so that start-up stays quick."""

    def invoke(self, ctx: click.Context) -> object:
        """Invoke a command; click would turn every one of these into the same exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _StoppedError(signal.SIGINT) from error
        except BrokenPipeError as error:
            raise _StoppedError(signal.SIGPIPE) from error

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command = import_module(_COMMANDS[name][0]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{name} is not a command")
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in sorted(_COMMANDS)])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="contractcheck")
def cli() -> None:
    """Know, before your users do, that a model provider changed something."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    termination = _Termination()
    signal.signal(signal.SIGTERM, termination)
    try:
        code = cli.main(args=arguments, standalone_mode=False, color=_color())
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ContractcheckError as error:
        click.echo(f"contractcheck: {show(str(error))}", err=True)
        sys.exit(error.exit_code)
    except _StoppedError as error:
        if error.number == signal.SIGPIPE:
            # The reader (head, less) has seen enough; Python would complain at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        is_by_term = error.number == signal.SIGINT and termination.came
        sys.exit(128 + (signal.SIGTERM if is_by_term else error.number))
    except Exception as error:
        # Exit 1 would say FAIL, and nothing was judged.
        if os.environ.get("CONTRACTCHECK_TRACEBACK"):
            raise
        _say_what_broke(error)
        sys.exit(MeasurementError.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _say_what_broke(error: Exception) -> None:
    click.echo(
        f"contractcheck: could not measure: {type(error).__name__}: {show(str(error))} "
        "(CONTRACTCHECK_TRACEBACK=1 shows where)",
        err=True,
    )
    try:
        sys.stdout.flush()
    except OSError:
        # A full disk behind it: Python would complain at exit, with an exit code of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _color() -> bool | None:
    """No colour where it is not wanted (no-color.org) or not possible; else click decides."""
    is_plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return False if is_plain else None


@dataclass(slots=True)
class _Termination:
    """SIGTERM, as the interrupt that everything below already cleans up after.

    Attributes:
        came: Whether there was one.
    """

    came: bool = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Interrupt: an exception out of nowhere would tear an event loop, which knows SIGINT."""
        self.came = True
        if not callable(signal.getsignal(signal.SIGINT)):
            # Ignored, as in a job that a shell put into the background.
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)
