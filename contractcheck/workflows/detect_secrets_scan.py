"""Ask the detect-secrets package, when it is installed: a second opinion on files.

Its entropy plugins stay off: they take every id and digest for a secret. So does the one that
takes public IP addresses for secrets. It never verifies what it finds by asking a provider: that
filter is off unless configured (read in 1.5.0), and nothing is configured here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from contractcheck.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OFF = frozenset({"Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector"})


def require_detect_secrets() -> None:
    """Say so before anything is searched when the package is missing.

    Raises:
        UsageError: If it is not installed.
    """
    try:
        import_module("detect_secrets.core.scan")
    except ImportError as error:
        raise UsageError(
            "--detect-secrets needs the detect-secrets package (1.5 or newer): install it, or "
            "leave the option out"
        ) from error


def detect_secrets_in(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and kind of everything that detect-secrets finds in a file, never the secret.

    Args:
        file: A plain text file; what is packed, it does not look into.
    """
    scanning = import_module("detect_secrets.core.scan")
    settings = import_module("detect_secrets.settings")
    util = import_module("detect_secrets.core.plugins.util")
    classes = util.get_mapping_from_secret_type_to_class().values()
    names = sorted({str(one.__name__) for one in classes} - _OFF)
    with settings.transient_settings({"plugins_used": [{"name": name} for name in names]}):
        found = [(int(one.line_number), str(one.type)) for one in scanning.scan_file(str(file))]
    yield from sorted(set(found))
