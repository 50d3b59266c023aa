"""Where an API key is looked for: environment, command, the user's own file, keyring.

A suite names none of these but a variable that it may name. Commands and entries of a keyring are
configured on the user's side: in the environment, or in a file of the user that lies outside of
every project, so that no pull request can bring one.
"""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from contractcheck.auth import CommandSource, is_key, read_keyring_key
from contractcheck.errors import UsageError
from contractcheck.suite.yaml_reader import YamlError, read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contractcheck.model.json_value import JsonValue

FILE = Path("contractcheck", "credentials.yaml")
"""Below the user's folder of settings (XDG_CONFIG_HOME, or ~/.config)."""

_WRITABLE_BY_OTHERS = 0o022
_SAYS_NO = ("", "0", "false", "no", "off")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyPlace:
    """Whose key is wanted.

    Attributes:
        provider: Of the target.
        host: To which the key would go.
        is_here: Whether that is this machine: then only what names the host is meant for it.
    """

    provider: str
    host: str
    is_here: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Under which it is kept, the more exact one first."""
        return (self.host,) if self.is_here else (self.host, self.provider)


def find_key(
    variable: str, place: KeyPlace, environment: Mapping[str, str]
) -> str | CommandSource | None:
    """Find a key, or the command that prints it; None when nobody keeps one.

    Args:
        variable: Environment variable that usually holds it.
        place: Whose key is wanted.
        environment: The process's environment.

    Raises:
        UsageError: If what keeps it cannot be used.
    """
    if (key := environment.get(variable, "").strip()) != "":
        if not is_key(key):
            raise UsageError(f"{variable} holds no key: it is no one line of visible ASCII")
        return key
    return (
        _by_command(place, environment)
        or _by_file(place, environment)
        or _by_keyring(place, environment)
    )


def _by_command(place: KeyPlace, environment: Mapping[str, str]) -> CommandSource | None:
    if place.is_here:
        return None
    general = "CONTRACTCHECK_KEY_COMMAND"
    exact = f"{general}_{place.provider.upper().replace('-', '_')}"
    name = exact if environment.get(exact) else general
    if not (written := environment.get(name, "").strip()):
        return None
    try:
        command = shlex.split(written)
    except ValueError as error:
        raise UsageError(f"{name} is no command: {str(error).lower()}") from None
    return _source(command, place, name)


def _source(command: list[str], place: KeyPlace, where: str) -> CommandSource:
    """The command, if it is one: a program of the user, not one that the project brings."""
    if "/" in command[0] and not Path(command[0]).is_absolute():
        raise UsageError(
            f"{where}: {command[0][:80]!r} would be another program in each folder; write its "
            "whole path"
        )
    if shutil.which(command[0]) is None:
        raise UsageError(f"{where}: there is no program {command[0][:80]!r} that can be run")
    more = {"CONTRACTCHECK_PROVIDER": place.provider, "CONTRACTCHECK_HOST": place.host}
    return CommandSource(command=command, more=more)


def _by_keyring(place: KeyPlace, environment: Mapping[str, str]) -> str | None:
    if place.is_here or environment.get("CONTRACTCHECK_KEYRING", "").lower() in _SAYS_NO:
        return None
    return next(filter(None, map(read_keyring_key, place.names)), None)


def _by_file(place: KeyPlace, environment: Mapping[str, str]) -> str | CommandSource | None:
    path = _user_file(environment)
    if path is None or not path.exists():
        return None
    _require_private(path)
    entries = _entries(path)
    name = next((name for name in place.names if name in entries), None)
    if name is None:
        return None
    command, user = _read_entry(entries[name], f"{path}: {name}")
    if command is not None:
        return _source(command, place, f"{path}: {name}")
    key = read_keyring_key(user)
    if key is None:
        raise UsageError(
            f"{path}: {name}: the keyring has no key of {user!r}; put it there with: keyring set "
            f"contractcheck {user}"
        )
    return key


def _user_file(environment: Mapping[str, str]) -> Path | None:
    settings, home = environment.get("XDG_CONFIG_HOME", ""), environment.get("HOME", "")
    if Path(settings).is_absolute():
        return Path(settings, FILE)
    return Path(home, ".config", FILE) if Path(home).is_absolute() else None


def _require_private(path: Path) -> None:
    """Refuse a file that somebody else may have written: it names programs to run."""
    real = path.resolve()
    here = Path.cwd().resolve()
    project = next((p for p in (here, *here.parents) if (p / ".git").exists()), here)
    if project in real.parents:
        raise UsageError(
            f"{path} lies inside {project}, where a pull request may write; commands that give "
            "keys are configured outside of every project: move it, or set XDG_CONFIG_HOME"
        )
    for each in (real, real.parent):
        state = each.stat()
        if state.st_mode & _WRITABLE_BY_OTHERS or state.st_uid not in (os.getuid(), 0):
            raise UsageError(
                f"{each} may be written by others than you, and it says how keys are got: "
                f"chmod go-w {shlex.quote(str(each))}, and own it"
            )


def _entries(path: Path) -> dict[str, JsonValue]:
    try:
        value = read_yaml(path.read_bytes(), file=str(path)).value
    except (OSError, YamlError) as error:
        raise UsageError(f"{path}: cannot be read ({type(error).__name__})") from None
    if not isinstance(value, dict):
        raise UsageError(f"{path}: expected a mapping of providers or hosts")
    return value


def _read_entry(entry: JsonValue, where: str) -> tuple[list[str] | None, str]:
    """A command, or None and the user of the keyring."""
    if isinstance(entry, dict) and len(entry) == 1:
        command, user = entry.get("command"), entry.get("keyring")
        if isinstance(command, list) and command:
            words = [word for word in command if isinstance(word, str)]
            if len(words) == len(command):
                return words, ""
        if isinstance(user, str) and user:
            return None, user
    raise UsageError(f"{where}: expected {{command: [program, argument, …]}} or {{keyring: user}}")
