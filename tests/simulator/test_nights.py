import json
import math
from statistics import mean, stdev

import numpy as np

from contractcheck.simulator import Conditions, answer_openai
from contractcheck.simulator.nights import ODD_LOGIT_SD, find_night_effect

NIGHTS = 16
REPEATS = 10
SCHEMA = {
    "type": "object",
    "properties": {
        "priority": {"enum": ["low", "medium", "high", "urgent"]},
        "escalate": {"type": "boolean"},
    },
    "required": ["priority", "escalate"],
    "additionalProperties": False,
}


def body(case):
    return {
        "model": "sim",
        "temperature": 0.7,
        "messages": [{"role": "user", "content": f"Ticket {case}: sort the message {case * 7}."}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "t", "schema": SCHEMA}},
    }


def counts_by_night(case, seed, *, night_effects):
    """Counts (nights, options) of the answers to one prompt."""
    answers = []
    for night in range(NIGHTS):
        conditions = Conditions(night=f"n{night}", seed=seed, night_effects=night_effects)
        replies = (
            answer_openai(body(case), conditions=conditions, occurrence=i) for i in range(REPEATS)
        )
        contents = (json.loads(r["choices"][0]["message"]["content"]) for r in replies)
        answers.append([c["priority"] for c in contents])
    options = sorted({a for night in answers for a in night})
    return np.array([[night.count(o) for o in options] for night in answers], float)


def dispersion(*, night_effects):
    """Between-night chi-square over its permutation mean; 1 means nights are exchangeable."""
    total, degrees = 0.0, 0.0
    for seed in range(6):
        for case in range(12):
            counts = counts_by_night(case, seed, night_effects=night_effects)
            expected = counts.sum(0) / NIGHTS
            n = counts.sum()
            total += ((counts - expected) ** 2 / expected).sum()
            degrees += (NIGHTS - 1) * (counts.shape[1] - 1) * n / (n - 1)
    return total / degrees


def test_nights_are_over_dispersed_as_measured_and_only_when_asked():
    assert 0.93 < dispersion(night_effects=False) < 1.07
    assert 1.3 < dispersion(night_effects=True) < 1.6


def test_about_three_nights_in_sixteen_are_odd():
    effects = [find_night_effect(Conditions(night=str(i))) for i in range(3000)]
    share = mean(e.logit_sd == ODD_LOGIT_SD for e in effects)
    assert abs(share - 3 / 16) < 0.03


def test_whole_nights_are_slow_or_fast():
    logs = [
        math.log(find_night_effect(Conditions(night=str(i))).latency_factor) for i in range(2000)
    ]
    assert abs(mean(logs)) < 0.015
    assert abs(stdev(logs) - 0.14) < 0.01


def test_an_effect_belongs_to_its_night_and_history():
    first = find_night_effect(Conditions(night="2026-03-01"))
    assert first == find_night_effect(Conditions(night="2026-03-01", time_scale=0.1))
    assert first != find_night_effect(Conditions(night="2026-03-02"))
    assert first != find_night_effect(Conditions(night="2026-03-01", seed=1))
    off = find_night_effect(Conditions(night="2026-03-01", night_effects=False))
    assert (off.logit_sd, off.latency_factor) == (0.0, 1.0)
