"""What requests will take: tokens, money and time, from recorded answers or plain assumptions."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from contractcheck.model.completion import Outcome
from contractcheck.model.json_text import canonical_json
from contractcheck.model.plan import Cost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from contractcheck.model.completion import Answer
    from contractcheck.model.measurement import TrialAnswer
    from contractcheck.model.plan import RateLimits
    from contractcheck.model.suite import Case, Suite

CHARACTERS_PER_TOKEN = 4.0
"""Usual length of a token of English text (OpenAI's help centre, "What are tokens"); other
languages and JSON take more tokens for the same characters."""
ASSUMED_OUTPUT_TOKENS = 300
"""Supposed length of an answer when neither a recording nor a limit says."""
ASSUMED_ANSWER_S = 5.0
"""Supposed time of one answer, s, when no recording says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestUse:
    """What one request of a case takes on average.

    Attributes:
        input_tokens: Tokens sent, >= 0.
        output_tokens: Tokens answered, >= 0.
        duration_s: Time to the end of the answer, s.
    """

    input_tokens: float
    output_tokens: float
    duration_s: float


def use_per_case(suite: Suite, answers: Iterable[TrialAnswer]) -> dict[str, RequestUse]:
    """Say what a request of each case takes, from recorded answers of the case if there are any.

    Args:
        suite: The contract.
        answers: Those of a recorded run. Where a case has none, tokens are counted as characters
            over four, and answers are supposed to be as long as they may be.
    """
    by_case: dict[str, list[Answer]] = {case.id: [] for case in suite.cases}
    for one in answers:
        if one.answer.completion.outcome is Outcome.ANSWERED and one.case in by_case:
            by_case[one.case].append(one.answer)
    return {case.id: _measured(by_case[case.id]) or _assumed(case) for case in suite.cases}


def _measured(answered: Sequence[Answer]) -> RequestUse | None:
    tokens_in = [a.completion.input_tokens for a in answered]
    # A vector is no tokens, and none are accounted.
    tokens_out = [0 if a.completion.embedding else a.completion.output_tokens for a in answered]
    known_in = [count for count in tokens_in if count is not None]
    known_out = [count for count in tokens_out if count is not None]
    if not known_in or not known_out:
        return None
    return RequestUse(
        input_tokens=fmean(known_in),
        output_tokens=fmean(known_out),
        duration_s=fmean(a.timing.total_s for a in answered),
    )


def _assumed(case: Case) -> RequestUse:
    tools = [canonical_json(tool.parameters) + tool.name + tool.description for tool in case.tools]
    schema = canonical_json(case.response_schema) if case.response_schema else ""
    sent = sum(len(message.content) for message in case.messages) + sum(map(len, tools))
    return RequestUse(
        input_tokens=(sent + len(schema)) / CHARACTERS_PER_TOKEN,
        output_tokens=case.parameters.max_output_tokens or ASSUMED_OUTPUT_TOKENS,
        duration_s=ASSUMED_ANSWER_S,
    )


def estimate_cost(
    uses: Mapping[str, RequestUse],
    requests: Mapping[str, int],
    *,
    price_usd: Callable[[float, float], float | None],
    limits: RateLimits,
    concurrency: int,
) -> Cost:
    """Add up requests of several cases.

    Args:
        uses: Per case what one request takes.
        requests: Per case how many are sent.
        price_usd: From input and output tokens to USD, or to None when the price is not known.
        limits: What may be sent per minute.
        concurrency: Requests under way at once, >= 1.
    """
    count = sum(requests.values())
    tokens_in = sum(uses[case].input_tokens * n for case, n in requests.items())
    tokens_out = sum(uses[case].output_tokens * n for case, n in requests.items())
    busy_s = sum(uses[case].duration_s * n for case, n in requests.items())
    durations_s = [busy_s / concurrency]
    if limits.requests_per_minute:
        durations_s.append(60.0 * count / limits.requests_per_minute)
    if limits.tokens_per_minute:
        durations_s.append(60.0 * (tokens_in + tokens_out) / limits.tokens_per_minute)
    return Cost(
        requests=count,
        input_tokens=round(tokens_in),
        output_tokens=round(tokens_out),
        usd=price_usd(tokens_in, tokens_out),
        duration_s=max(durations_s),
    )
