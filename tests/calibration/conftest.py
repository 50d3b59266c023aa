"""The simulated nights live in bench/, whose scripts play them too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
