"""Import vcrpy cassettes as one run: redacted, sealed, without times, never a night."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from contractcheck.cassettes.vcr_exchanges import VcrImporter
from contractcheck.cassettes.vcr_files import read_cassette
from contractcheck.cassettes.vcr_yaml import MAX_BYTES
from contractcheck.errors import UsageError
from contractcheck.model.run import CasePlan, RunHeader
from contractcheck.model.suite import ID_PATTERN
from contractcheck.providers.recognise import recognise_target
from contractcheck.redaction import Scrubber
from contractcheck.store import new_run_id
from contractcheck.workflows.endpoint import find_secrets
from contractcheck.workflows.runs_write import write_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from contractcheck.cassettes.vcr_files import Interaction
    from contractcheck.model.exchange import Exchange
    from contractcheck.model.target import Target
    from contractcheck.workflows.workspace import Workspace

IMPORT_LABEL = "imported from vcrpy"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOptions:
    """Where imported interactions belong.

    Attributes:
        suite: Suite name; no such suite need exist.
        case: Case of all files, or None: each file is a case named like it.
        target: Who answered, or None: known by the address and the model in the requests.
    """

    suite: str
    case: str | None = None
    target: Target | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedRun:
    """What an import came to.

    Attributes:
        folder: The sealed run.
        header: Its header.
        interactions: How many per case.
        notes: Bodies that could not be kept as they were, and why.
    """

    folder: Path
    header: RunHeader
    interactions: Mapping[str, int]
    notes: tuple[str, ...]


def import_cassettes(
    workspace: Workspace, files: Sequence[Path], options: ImportOptions
) -> ImportedRun:
    """Import cassettes into one new run.

    Interactions with the same request become trials 0, 1, … of their case in file order.

    Args:
        workspace: The project.
        files: Cassettes, YAML or JSON.
        options: Where they belong.

    Raises:
        UsageError: With every file that cannot be read, or the name that is wrong; nothing was
            written.
        RecordingError: If the disk refuses; nothing is left then.
    """
    _require_id(options.suite, "--suite")
    by_case = _cases(files, options.case)
    found, problems = _read_all(by_case)
    if problems:
        raise UsageError("\n".join(problems))
    target = options.target or _guess_target([one for ones in found.values() for one in ones])
    now = datetime.now(UTC)
    scrubber = Scrubber.for_secrets(find_secrets(os.environ))
    importer = VcrImporter(scrubber=scrubber, imported_at=now.isoformat())
    exchanges = [x for case, ones in found.items() for x in importer.take_all(ones, case)]
    header = RunHeader(
        id=new_run_id(now),
        suite=options.suite,
        suite_version="0.0.0",
        suite_fingerprint="",
        target=target,
        night=None,
        started_at=now.isoformat(),
        ended_at=now.isoformat(),
        status="partial",
        cases={case: _plan([x for x in exchanges if x.case == case]) for case in found},
        vantage={},
        label=IMPORT_LABEL,
    )
    return ImportedRun(
        folder=write_run(workspace, header, exchanges, scrubber),
        header=header,
        interactions={case: len(ones) for case, ones in found.items()},
        notes=tuple(f"{x.case}, trial {x.trial}: {x.note}" for x in exchanges if x.note),
    )


def _require_id(text: str, option: str) -> None:
    if not re.fullmatch(ID_PATTERN, text):
        raise UsageError(f"{option} {text!r} is not an id (such as support-triage: {ID_PATTERN})")


def _cases(files: Sequence[Path], case: str | None) -> dict[str, list[Path]]:
    """Files by case, in the order given."""
    if case is not None:
        _require_id(case, "--case")
        return {case: list(dict.fromkeys(files))}
    found: dict[str, list[Path]] = {}
    for file in dict.fromkeys(files):
        found.setdefault(_case_of(file), []).append(file)
    double = [ones for ones in found.values() if len(ones) > 1]
    if double:
        names = " and ".join(map(str, double[0]))
        raise UsageError(f"{names} would be one case; give --case, or import them one by one")
    return found


def _case_of(file: Path) -> str:
    """A case id from a file's name: ``TestChat.test_hi[gpt].yaml`` → ``testchat.test_hi-gpt``."""
    stem = re.sub(r"\.(ya?ml|json)(\.gz)?$", "", file.name, flags=re.IGNORECASE)
    safe = re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("._-")
    if not safe:
        raise UsageError(f"{file}: its name gives no case id; give --case")
    if len(safe) <= _LONGEST_ID:
        return safe
    digest = hashlib.sha256(stem.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{safe[: _LONGEST_ID - 9]}-{digest}"


_LONGEST_ID = 64


def _read_all(
    by_case: Mapping[str, Sequence[Path]],
) -> tuple[dict[str, list[Interaction]], list[str]]:
    found: dict[str, list[Interaction]] = {}
    problems: list[str] = []
    for case, files in by_case.items():
        for file in files:
            try:
                found.setdefault(case, []).extend(read_cassette(_read_file(file), str(file)))
            except UsageError as error:
                problems.append(str(error))
    return found, problems


def _read_file(file: Path) -> bytes:
    """The file, or one byte more than is accepted: a huge one is refused, not loaded."""
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from error


def _plan(exchanges: Sequence[Exchange]) -> CasePlan:
    """As many trials as there are; a fingerprint that no case of a suite has."""
    digests = sorted({exchange.request.digest for exchange in exchanges})
    return CasePlan(
        samples=1 + max(exchange.trial for exchange in exchanges),
        request_fingerprint=f"imported-{hashlib.sha256(' '.join(digests).encode()).hexdigest()}",
        parts={},
    )


def _guess_target(interactions: Sequence[Interaction]) -> Target:
    asked = {recognise_target(one.url, one.request_body) for one in interactions} - {None}
    if len(asked) == 1:
        return cast("Target", asked.pop())
    hosts = ", ".join(sorted({urlsplit(one.url).hostname or "" for one in interactions})[:3])
    targets = ", ".join(sorted(target.id for target in asked if target)[:3]) or "none"
    raise UsageError(
        f"who answered is not clear (hosts {hosts}; recognised: {targets}); "
        "give --target PROVIDER:MODEL"
    )
