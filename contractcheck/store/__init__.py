"""Where runs and baselines lie on disk. Runs are opaque folders here; cassettes/ reads them."""

from contractcheck.store.baselines import BaselineStore
from contractcheck.store.exemptions import ExemptionStore
from contractcheck.store.gates import GateStore
from contractcheck.store.night_format import stored_form
from contractcheck.store.packing import pack_run
from contractcheck.store.runs import RunStore, new_run_id

__all__ = [
    "BaselineStore",
    "ExemptionStore",
    "GateStore",
    "RunStore",
    "new_run_id",
    "pack_run",
    "stored_form",
]
