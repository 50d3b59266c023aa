"""Our own modules are loaded as Python has them, not as pytest would rewrite them."""

from __future__ import annotations

from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class PlainImports:
    """A finder for ``sys.meta_path``, to go before pytest's own.

    pytest rewrites the assertions of every module that is installed along with a plugin
    (https://docs.pytest.org/en/stable/how-to/writing_plugins.html#assertion-rewriting). Here are
    none, and where no bytecode is written (``PYTHONDONTWRITEBYTECODE``, a read-only image) two
    hundred modules would be compiled anew in each process: more than a second.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of this package; of others it knows nothing."""
        if not name.startswith("contractcheck."):
            return None
        return PathFinder.find_spec(name, path, target)
