"""What on our side can matter to an answer or its time: kept with each run, compared each night."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from contractcheck import __version__
from contractcheck.model.json_text import canonical_json
from contractcheck.workflows.endpoint import is_local

if TYPE_CHECKING:
    from contractcheck.model.target import Target

_DIGITS = 12


def describe_vantage() -> dict[str, str]:
    """From where, and with what, is asked."""
    return {
        "contractcheck": __version__,
        "http_client": f"httpx2 {version('httpx2')}",
        "platform": f"{platform.system()} {platform.machine()}",
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "region": os.environ.get("CONTRACTCHECK_REGION", ""),
        "runner": os.environ.get("CONTRACTCHECK_RUNNER", ""),
    }


def describe_address(target: Target, endpoint: str) -> str:
    """Where, and how, a target is asked: another address may be another deployment.

    Args:
        target: Whom.
        endpoint: Base URL; a server on this machine has another port every day.
    """
    url = urlsplit(endpoint)
    words = ["this machine" if is_local(url) else url.netloc + url.path]
    words += [word for word in (target.region, target.project, target.api_version) if word]
    if target.mapping is not None:
        asks = {name: target.mapping.document.get(name) for name in ("method", "path", "headers")}
        asked = canonical_json({**asks, "body": target.mapping.body})
        words.append(f"mapping {hashlib.sha256(asked.encode()).hexdigest()[:_DIGITS]}")
    return " ".join(words)
