"""A suite as it was at a commit: its folder's blobs, read without a checkout.

Only ``rev-parse``, ``ls-tree`` and ``cat-file`` are used: they run no hook, no filter and no
file-system monitor, and change nothing. Links, submodules and what lies outside the suite's
folder are not read; the loader then says that a file is missing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from contractcheck.errors import SuiteError, UsageError
from contractcheck.providers import provider_names
from contractcheck.suite import load_suite
from contractcheck.suite.yaml_reader import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contractcheck.model.suite import Suite

_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/@{}^~+-]{0,199}")
"""Branches, tags, hashes and ``HEAD~2``; nothing that could be read as an option or a path."""

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_MOST_FILES = 2_000
_MOST_BYTES = 64 << 20
_TIMEOUT_S = 30.0
_FILE_MODES = frozenset({"100644", "100755"})


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteRevision:
    """A suite at a commit.

    Attributes:
        suite: As it was there; its ``path`` begins with the short hash.
        commit: Full hash.
    """

    suite: Suite
    commit: str


def load_revision(path: Path, revision: str) -> SuiteRevision:
    """Load a suite as of a commit of the repository that holds its file.

    Args:
        path: The suite file as it lies here now.
        revision: Commit, branch or tag.

    Raises:
        UsageError: If there is no such commit, no repository, or no such file at that commit.
        SuiteError: If the suite was wrong there.
    """
    if not _REVISION.fullmatch(revision) or ".." in revision:
        raise UsageError(f"rev={revision!r} is not a commit, branch or tag")
    folder = path.parent.resolve()
    top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().rstrip("\n"))
    commit = _find_commit(top, revision)
    try:
        inside = PurePosixPath(folder.relative_to(top.resolve()).as_posix())
    except ValueError as error:
        raise UsageError(f"{path} is not below the repository {top}") from error
    with tempfile.TemporaryDirectory(prefix="contractcheck-rev-") as place:
        _copy_folder(top, commit, inside, Path(place))
        return SuiteRevision(suite=_load(Path(place), path, commit), commit=commit)


def _find_commit(top: Path, revision: str) -> str:
    wanted = f"{revision}^{{commit}}"
    try:
        found = _git(top, "rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
    except UsageError as error:
        raise UsageError(f"rev={revision!r}: no such commit, branch or tag in {top}") from error
    commit = found.decode().strip()
    if not _COMMIT.fullmatch(commit):
        raise UsageError(f"rev={revision!r}: no such commit, branch or tag in {top}")
    return commit


def _load(place: Path, path: Path, commit: str) -> Suite:
    shown = f"{commit[:10]}:{path}"
    copy = place / path.name
    if not copy.is_file():
        raise UsageError(f"{shown}: the suite has no such file at that commit")
    try:
        suite = load_suite(copy, providers=provider_names())
    except SuiteError as error:
        folder = f"{commit[:10]}:{path.parent}/"
        raise SuiteError(
            [
                replace(problem, file=problem.file.replace(f"{place}/", folder))
                for problem in error.problems
            ]
        ) from None
    return replace(suite, path=shown)


def _copy_folder(top: Path, commit: str, inside: PurePosixPath, place: Path) -> None:
    """Write the folder's files at a commit; one that is too large only has its size."""
    total = 0
    for count, (name, digest, size_bytes) in enumerate(_list_files(top, commit, inside)):
        total += min(size_bytes, MAX_BYTES)
        if count >= _MOST_FILES or total > _MOST_BYTES:
            raise UsageError(
                f"{commit[:10]}:{inside} holds more than {_MOST_FILES} files or "
                f"{_MOST_BYTES >> 20} MiB; a suite's folder holds only what the suite names"
            )
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if size_bytes > MAX_BYTES:
            target.touch()
            os.truncate(target, size_bytes)
        else:
            target.write_bytes(_git(top, "cat-file", "blob", digest))


def _list_files(
    top: Path, commit: str, inside: PurePosixPath
) -> Iterator[tuple[PurePosixPath, str, int]]:
    """Name below the folder, object and size of every plain file in it."""
    tree = commit if inside == PurePosixPath() else f"{commit}:{inside}"
    try:
        listed = _git(top, "ls-tree", "-r", "-l", "-z", "--full-tree", tree)
    except UsageError:
        return  # the folder did not exist there
    for line in listed.split(b"\0"):
        head, _, raw = line.partition(b"\t")
        with suppress(ValueError):  # a name that is not UTF-8 cannot be named by a suite
            mode, _, digest, size = head.decode().split()
            name = PurePosixPath(raw.decode())
            is_inside = not name.is_absolute() and ".." not in name.parts
            if mode in _FILE_MODES and is_inside:
                yield name, digest, int(size)


def _git(folder: Path, *arguments: str) -> bytes:
    program = shutil.which("git")
    if program is None:
        raise UsageError("rev=… needs git, which is not on the PATH")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        # In a partial clone, reading an object would otherwise ask the network for it.
        "GIT_NO_LAZY_FETCH": "1",
    }
    command = [program, "--no-replace-objects", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - no shell; revisions are checked, objects are hashes
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError(f"{folder}: git did not answer ({type(error).__name__})") from error
    if done.returncode != 0:
        first = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise UsageError(f"{folder}: git {arguments[0]} failed: {first or done.returncode}")
    return done.stdout
