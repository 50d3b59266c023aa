"""Files at an fsspec URL, each written once and whole: a folder, an S3 bucket, anything else.

Nothing is ever changed in place, so no lock is needed. Where an upload appears as a whole or not at
all (object stores), it is uploaded under its name; elsewhere beside it, and renamed.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from contractcheck.errors import ContractcheckError, RecordingError, UsageError
from contractcheck.files import sync_folder
from contractcheck.store.url_secrets import find_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fsspec import AbstractFileSystem

    from contractcheck.store.url_secrets import UrlSecrets

_ATOMIC: Final = frozenset({"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "s3", "s3a"})
"""Protocols whose uploads are visible only once they are whole. Amazon S3: "never adds partial
objects" (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html)."""

_LEFT: Final = re.compile(r"\.[0-9a-f]{8}\.part\Z")
"""How the name of a file ends that is not whole yet."""

_STALE: Final = timedelta(hours=24)
"""An upload that nothing was added to for so long is none any more."""

_BLOCK_BYTES: Final = 4 << 20
"""How much is read at once."""


@dataclass(frozen=True, slots=True)
class RemoteFiles:
    """Files below one URL, named by relative paths.

    Attributes:
        system: fsspec's.
        base: Path in it.
        url: The URL, as far as it may be shown.
    """

    system: AbstractFileSystem
    base: str
    url: UrlSecrets

    @property
    def shown(self) -> str:
        """The URL without a password."""
        return self.url.shown

    def names(self, below: str = "") -> dict[str, int]:
        """Size (bytes) of every file below a relative folder, by relative path; sorted.

        A size is 0 when it is not known, and what a place says is not proved.

        Raises:
            RecordingError: If the place cannot be read.
        """
        prefix = f"{self.base}/"
        with _naming(self.url):
            # `exists` would be false of a bucket that may not be read.
            found = self.system.find(f"{prefix}{below}".rstrip("/"), detail=True)
        return {
            path.removeprefix(prefix): int(about.get("size") or 0)
            for path, about in sorted(found.items())
            if path.startswith(prefix)
        }

    def put(self, source: Path, name: str) -> None:
        """Write a file that is not there yet; a kill leaves it whole or absent.

        What kills left beside it more than a day ago goes.

        Args:
            source: Its content.
            name: Relative path.

        Raises:
            RecordingError: If the place cannot be written.
        """
        path = f"{self.base}/{name}"
        with _naming(self.url, name):
            if self._protocols & _ATOMIC:
                self.system.put_file(str(source), path)
                return
            beside = f"{path}.{secrets.token_hex(4)}.part"
            folder = path.rpartition("/")[0]
            self.system.makedirs(folder, exist_ok=True)
            try:
                self.system.put_file(str(source), beside)
                self._settle(beside, path)
            except BaseException:
                with suppress(Exception):
                    self.system.rm_file(beside)
                raise
            self._sweep(folder)

    def get(self, name: str, path: Path, most_bytes: int) -> None:
        """Copy a file here, and no more of it than was expected: it may grow, or never end.

        Args:
            name: Relative path.
            path: Where to.
            most_bytes: Refuse more than that.

        Raises:
            RecordingError: If it is missing, larger, or cannot be read, or this disk refuses. What
                lies at ``path`` then is of no use.
        """
        try:
            with path.open("wb") as out:
                out.writelines(self._chunks(name, most_bytes))
        except OSError as error:
            raise RecordingError(f"{path}: cannot be written ({error.strerror})") from error

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is gone.

        Raises:
            RecordingError: If the place cannot be written.
        """
        with _naming(self.url, name), suppress(FileNotFoundError, KeyError):
            self.system.rm_file(f"{self.base}/{name}")

    def _chunks(self, name: str, most_bytes: int) -> Iterator[bytes]:
        left_bytes = most_bytes
        with (
            _naming(self.url, name),
            self.system.open(f"{self.base}/{name}", "rb", block_size=_BLOCK_BYTES) as source,
        ):
            while chunk := source.read(min(_BLOCK_BYTES, left_bytes + 1)):
                left_bytes -= len(chunk)
                if left_bytes < 0:
                    raise RecordingError(
                        f"{self.shown}/{name}: is larger than the {most_bytes} bytes that were "
                        "expected of it; it was not taken"
                    )
                yield chunk

    @property
    def _protocols(self) -> set[str]:
        protocol = self.system.protocol
        return {protocol} if isinstance(protocol, str) else set(protocol)

    def _settle(self, beside: str, path: str) -> None:
        if "file" not in self._protocols:
            self.system.mv(beside, path)
            return
        with Path(beside).open("rb") as written:
            os.fsync(written.fileno())
        Path(beside).replace(path)
        sync_folder(Path(path).parent)

    def _sweep(self, folder: str) -> None:
        """Remove what kills left of uploads; what cannot be dated or removed may stay."""
        with suppress(Exception):
            for path in filter(_LEFT.search, self.system.ls(folder, detail=False)):
                with suppress(Exception):
                    if datetime.now(UTC) - self.system.modified(path) > _STALE:
                        self.system.rm_file(path)


def open_remote(url: str) -> RemoteFiles:
    """Open a place for files; nothing is asked of it yet.

    Args:
        url: A path, or any URL of fsspec, such as ``s3://bucket/folder``. Credentials come from
            the environment, as its library wants them.

    Raises:
        UsageError: If there is no such protocol, or its library is not installed.
    """
    from fsspec.core import url_to_fs

    known = find_secrets(url)
    shown = known.shown
    try:
        system, base = url_to_fs(url, skip_instance_cache=True, use_listings_cache=False)
    except ImportError as error:
        extra = "contractcheck[s3]" if url.startswith("s3") else "the package of that protocol"
        raise UsageError(f"--store {shown}: {known.tell(error)}; pip install '{extra}'") from None
    except Exception as error:  # noqa: BLE001 - each protocol's library refuses a URL in its own way
        words = known.tell(error)
        raise UsageError(f"--store {shown}: is no URL that fsspec knows ({words})") from None
    if not base.strip("/"):
        raise UsageError(f"--store {shown}: name a folder or a bucket")
    return RemoteFiles(system=system, base=base.rstrip("/"), url=known)


@contextmanager
def _naming(url: UrlSecrets, name: str = "") -> Iterator[None]:
    """Say what was not possible, and where, whatever the library of a protocol raises."""
    try:
        yield
    except ContractcheckError:
        raise
    except Exception as error:  # noqa: BLE001 - it is told again, as one of ours
        place = f"{url.shown}/{name}" if name else url.shown
        cause = None if url.wholes else error  # it would show them in a traceback
        raise RecordingError(f"{place}: {url.tell(error)}") from cause
