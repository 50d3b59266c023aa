"""One timing of `model-equality-testing` 0.0.2, run by `engine.py` in the rival's own Python.

Reads what to do from the command line, prints one JSON line. `transformers`, which the package
imports without declaring it and does not need for this, is replaced by an empty module.
"""

import json
import os
import resource
import sys
import time
import types


def main() -> None:
    length, n_side, n_cases, permutations, seed = (int(word) for word in sys.argv[1:6])
    transformers = types.ModuleType("transformers")
    transformers.AutoTokenizer = None
    sys.modules["transformers"] = transformers
    import numpy as np
    import torch
    from model_equality_testing.algorithm import run_two_sample_test
    from model_equality_testing.distribution import CompletionSample

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    prompts = np.repeat(np.arange(n_cases), n_side)
    sides = [
        CompletionSample(prompts, rng.integers(32, 122, (n_cases * n_side, length)), n_cases)
        for _ in range(2)
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    p, _ = run_two_sample_test(*sides, stat_type="mmd_hamming", b=permutations)
    cpu_s = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"cpu_s": cpu_s, "memory_mb": (peak - before) / 1024, "p": p}))


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
