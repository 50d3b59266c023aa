"""From a suite and a target to recorded exchanges: plan, pace, send, journal."""

from contractcheck.sampling.plan import plan_trials
from contractcheck.sampling.progress import Progress, SilentProgress, Tally
from contractcheck.sampling.sampler import SamplingOptions, sample

__all__ = [
    "Progress",
    "SamplingOptions",
    "SilentProgress",
    "Tally",
    "plan_trials",
    "sample",
]
