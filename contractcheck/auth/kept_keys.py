"""API keys that are kept elsewhere than in the environment: by a keyring, or behind a command."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING

from contractcheck.auth.extras import import_extra
from contractcheck.auth.renewing import Token
from contractcheck.errors import MeasurementError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVICE = "contractcheck"
"""Under which keys are kept in a keyring; the user is a provider or a host."""

_COMMAND_LIMIT_S = 60.0
"""Long enough for a person to touch a sensor."""

_LONGEST_KEY = 16_384


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandSource:
    """A command that prints a key; another one when it is run again, perhaps.

    It runs without a shell, and nothing of its output is shown or logged.

    Attributes:
        command: Program and arguments.
        more: Variables to add to its environment.
        limit_s: Longest time (s) it may take.
    """

    command: Sequence[str] = field(repr=False)
    more: Mapping[str, str]
    limit_s: float = _COMMAND_LIMIT_S

    @property
    def secrets(self) -> tuple[str, ...]:
        """None before it was run."""
        return ()

    def fetch(self) -> Token:
        """Run the command: see ``TokenSource``."""
        key, problem = self._run()
        if problem:
            program = PurePath(self.command[0]).name
            raise MeasurementError(
                f"the key command {program!r} {problem}; its output is not shown"
            )
        return Token(value=key)

    def _run(self) -> tuple[str, str]:
        """The key, or what was wrong."""
        try:
            done = subprocess.run(  # noqa: S603 - configured by the user, never by a suite; no shell
                self.command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env={**os.environ, **self.more},
                timeout=self.limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "", f"took longer than {self.limit_s:g} s"
        except (OSError, ValueError) as error:
            return "", f"cannot be run ({type(error).__name__})"
        if done.returncode != 0:
            return "", f"ended with code {done.returncode}"
        key = done.stdout.decode("ascii", "replace").strip()
        return key, "" if is_key(key) else "printed no key: expected one line of visible ASCII"


def read_keyring_key(user: str) -> str | None:
    """Look a key up in the keyring of this user; None when there is none.

    Raises:
        UsageError: If keyring is not installed, or its backend fails.
    """
    keyring = import_extra("keyring", "keyring")
    errors = import_module("keyring.errors")
    try:
        key = keyring.get_password(SERVICE, user)
    except errors.NoKeyringError:
        return None
    except errors.KeyringError as error:
        name = type(error).__name__
    else:
        if key is not None and not is_key(key.strip()):
            raise UsageError(f"the keyring holds no key for {user!r}: it is no visible ASCII")
        return None if key is None else key.strip()
    raise UsageError(f"the keyring cannot be asked for {user!r} ({name}); unlock it")


def is_key(text: str) -> bool:
    """Whether a text can stand in a header: visible ASCII, not empty, at most 16 KiB."""
    return 0 < len(text) <= _LONGEST_KEY and all("!" <= character <= "~" for character in text)
