"""What is known of the limits of every target, kept by whoever asks in several sessions."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contractcheck.sampling.quota_file import open_quota

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from contractcheck.sampling.quota_file import QuotaStore


@dataclass(kw_only=True, slots=True)
class Quotas:
    """The quota of each target that was asked.

    A gate samples look by look: what the first look was told of limits holds for the next.

    Attributes:
        folder: Where the machine's processes meet; None keeps to this process.
        now_s: The monotonic clock.
        trouble: Why they are not shared although they should be; empty when they are as asked.
    """

    folder: Path | None = None
    now_s: Callable[[], float] = time.monotonic
    trouble: str = ""
    _stores: dict[tuple[str, ...], QuotaStore] = field(default_factory=dict, repr=False)

    def of(self, key: tuple[str, ...]) -> QuotaStore:
        """Return the quota of one target, opened once.

        Args:
            key: What tells targets apart: endpoint, model, account.
        """
        if key not in self._stores:
            self._stores[key], trouble = open_quota(self.folder, key, self.now_s)
            self.trouble = self.trouble or trouble
        return self._stores[key]
