"""API keys that are kept elsewhere than in the environment: by a keyring, or behind a command."""

from __future__ import annotations

import os
import subprocess
from importlib import import_module
from typing import TYPE_CHECKING

from contractcheck.auth.extras import import_extra
from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVICE = "contractcheck"
"""Under which keys are kept in a keyring; the user is a provider or a host."""

_COMMAND_LIMIT_S = 60.0
"""Long enough for a person to touch a sensor."""

_LONGEST_KEY = 16_384


def read_command_key(
    command: Sequence[str], *, more: Mapping[str, str], limit_s: float = _COMMAND_LIMIT_S
) -> str:
    """Run a command and take what it prints as the key.

    It runs without a shell, and nothing of its output is shown or logged.

    Args:
        command: Program and arguments.
        more: Variables to add to its environment.
        limit_s: Longest time (s) it may take.

    Raises:
        UsageError: If it cannot be run, fails, takes too long or prints no key.
    """
    program = os.path.basename(command[0]) if command else ""  # noqa: PTH119 - a word, no path
    problem = ""
    printed = b""
    try:
        done = subprocess.run(  # noqa: S603 - configured by the user, never by a suite; no shell
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, **more},
            timeout=limit_s,
            check=False,
        )
        printed = done.stdout
        if done.returncode != 0:
            problem = f"ended with code {done.returncode}"
    except subprocess.TimeoutExpired:
        problem = f"took longer than {limit_s:g} s"
    except (OSError, ValueError) as error:
        problem = f"cannot be run ({type(error).__name__})"
    key = printed.decode("ascii", "replace").strip()
    if not problem and not is_key(key):
        problem = "printed no key: expected one line of visible ASCII"
    if problem:
        raise UsageError(f"the key command {program!r} {problem}; its output is not shown")
    return key


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
