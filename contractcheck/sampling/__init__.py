"""From a suite and a target to recorded exchanges: plan, pace, send, journal."""

from contractcheck.sampling.backoff import RetryPolicy
from contractcheck.sampling.bounds import Bounds
from contractcheck.sampling.options import Pace, SamplingOptions, Side, finished_trials
from contractcheck.sampling.plan import SideTrial, plan_blocks, plan_trials
from contractcheck.sampling.progress import Progress, SilentProgress, Tally
from contractcheck.sampling.quotas import Quotas
from contractcheck.sampling.sampler import sample, sample_sides
from contractcheck.sampling.sdk_relay import SdkEnvironment, find_sdk
from contractcheck.sampling.spending import Spending

__all__ = [
    "Bounds",
    "Pace",
    "Progress",
    "Quotas",
    "RetryPolicy",
    "SamplingOptions",
    "SdkEnvironment",
    "Side",
    "SideTrial",
    "SilentProgress",
    "Spending",
    "Tally",
    "find_sdk",
    "finished_trials",
    "plan_blocks",
    "plan_trials",
    "sample",
    "sample_sides",
]
