"""What headers say about sending more: every family, and nothing absurd."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.providers.rate_headers import (
    LONGEST_WAIT_S,
    RateAdvice,
    RateWindow,
    read_rate_headers,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def read(*headers, now=NOW):
    return read_rate_headers(headers, now=now)


def window(unit, limit, remaining, reset_s=None, period_s=60.0):
    return RateWindow(
        unit=unit, limit=limit, remaining=remaining, reset_s=reset_s, period_s=period_s
    )


def test_openai_counts_requests_and_tokens_with_durations():
    advice = read(
        ("x-ratelimit-limit-requests", "500"),
        ("x-ratelimit-remaining-requests", "499"),
        ("x-ratelimit-reset-requests", "120ms"),
        ("X-RateLimit-Limit-Tokens", "30000"),
        ("x-ratelimit-remaining-tokens", "29000"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    )
    assert advice.windows == (
        window("requests", 500, 499, 0.12),
        window("tokens", 30000, 29000, 360.0),
    )


def test_groq_counts_requests_per_day_and_tokens_per_minute():
    headers = [
        ("retry-after", "2"),
        ("x-ratelimit-limit-requests", "14400"),
        ("x-ratelimit-remaining-requests", "14370"),
        ("x-ratelimit-reset-requests", "2m59.56s"),
        ("x-ratelimit-limit-tokens", "18000"),
        ("x-ratelimit-remaining-tokens", "17997"),
        ("x-ratelimit-reset-tokens", "7.66s"),
    ]
    advice = read_rate_headers(headers, now=NOW, provider="groq")
    assert advice == RateAdvice(
        windows=(
            window("requests", 14400, 14370, 179.56, 86_400.0),
            window("tokens", 18000, 17997, 7.66),
        ),
        retry_after_s=2.0,
    )


@pytest.mark.parametrize(
    ("text", "reset_s"),
    [
        ("2ms", 0.002),
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("1m30.5s", 90.5),
        ("500us", 0.0005),
        ("24h0m0s", LONGEST_WAIT_S),
        ("7", 7.0),
        ("0", 0.0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("1s junk", None),
        ("2026-11-21T12:00:42Z", 42.0),
        ("2026-11-21T13:00:42+01:00", 42.0),
        ("2020-01-01T00:00:00Z", 0.0),
        (str(int(NOW.timestamp()) + 9), 9.0),
        (str((int(NOW.timestamp()) + 9) * 1000), 9.0),
    ],
)
def test_a_reset_is_a_duration_a_number_or_a_time(text, reset_s):
    (found,) = read(
        ("x-ratelimit-limit-requests", "5"), ("x-ratelimit-reset-requests", text)
    ).windows
    assert found.reset_s == (None if reset_s is None else pytest.approx(reset_s))


def test_azure_says_how_long_its_period_is_and_sometimes_nonsense():
    told = read(
        ("x-ratelimit-limit-requests", "10"),
        ("x-ratelimit-remaining-requests", "9"),
        ("x-ratelimit-reset-requests", "7"),
        ("x-ratelimit-renewalperiod-requests", "10"),
    )
    assert told.windows == (window("requests", 10, 9, 7.0, 10.0),)
    # Incident 32: -1 left of 0.
    absurd = read(("x-ratelimit-limit-tokens", "0"), ("x-ratelimit-remaining-tokens", "-1"))
    assert absurd.windows == ()


def test_anthropic_names_points_in_time_against_its_own_clock():
    # The server's clock is an hour behind ours; its date says so.
    advice = read(
        ("date", "Sat, 21 Nov 2026 11:00:00 GMT"),
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2026-11-21T11:00:30Z"),
        ("anthropic-ratelimit-input-tokens-limit", "40000"),
        ("anthropic-ratelimit-input-tokens-remaining", "39000"),
    )
    assert advice.windows == (
        window("requests", 50, 0, 30.0),
        window("tokens", 40000, 39000),
    )


def test_mistral_and_cohere_have_periods_of_their_own():
    advice = read(
        ("x-ratelimit-limit-req-10-second", "5"),
        ("x-ratelimit-remaining-req-10-second", "4"),
        ("x-ratelimit-limit-tokens-month", "1000000"),
        ("x-ratelimit-remaining-tokens-month", "999000"),
        ("x-trial-endpoint-call-limit", "10"),
        ("x-trial-endpoint-call-remaining", "9"),
    )
    assert advice.windows == (
        window("requests", 5, 4, None, 10.0),
        window("tokens", 1e6, 999000, None, 30 * 86400.0),
        window("requests", 10, 9),
    )


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ([("retry-after", "25")], 25.0),
        ([("Retry-After", "0.5")], 0.5),
        ([("retry-after-ms", "1500"), ("retry-after", "99")], 1.5),
        ([("retry-after-ms", "junk"), ("retry-after", "9")], 9.0),
        ([("retry-after", format_datetime(NOW + timedelta(seconds=40), usegmt=True))], 40.0),
        ([("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], 0.0),
        ([("retry-after", "1000000000")], LONGEST_WAIT_S),
        ([("retry-after", "1e9")], None),
        ([("retry-after", "inf")], None),
        ([("retry-after", "nan")], None),
        ([("retry-after", "-5")], None),
        ([("retry-after", "٣")], None),
        ([("retry-after", "9" * 5000)], None),
        ([("retry-after", "")], None),
        ([], None),
    ],
)
def test_a_wait_is_sane_or_none(headers, wait_s):
    assert read(*headers).retry_after_s == wait_s


@pytest.mark.parametrize("skew_h", [-5, -1, 1, 5])
def test_a_date_is_measured_by_the_clock_that_wrote_it(skew_h):
    theirs = NOW + timedelta(hours=skew_h)
    advice = read(
        ("date", format_datetime(theirs, usegmt=True)),
        ("retry-after", format_datetime(theirs + timedelta(seconds=7), usegmt=True)),
    )
    assert advice.retry_after_s == 7.0


@pytest.mark.parametrize("limit", ["0", "0.001", ".9", "-1"])
def test_a_limit_that_lets_nothing_pass_is_passed_over(limit):
    assert read(("x-ratelimit-limit-requests", limit)) == RateAdvice()


def test_absurd_milliseconds_do_not_hide_what_the_standard_header_says():
    assert read(("retry-after-ms", "-5"), ("retry-after", "7")).retry_after_s == 7.0
    assert read(("retry-after-ms", "250"), ("retry-after", "7")).retry_after_s == 0.25


def test_nothing_is_advised_where_nothing_is_said():
    assert read() == RateAdvice()


NAMES = st.sampled_from(
    [
        "retry-after",
        "Retry-After-Ms",
        "date",
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
        "x-ratelimit-renewalperiod-requests",
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-reset",
        "x-ratelimit-limit-req-10-second",
        "ratelimit-reset",
        "ratelimit-remaining",
    ]
)
VALUES = st.one_of(
    st.text(max_size=30),
    st.integers(-(10**25), 10**25).map(str),
    st.floats().map(str),
    st.datetimes().map(lambda d: d.isoformat()),
    st.datetimes(min_value=datetime(1, 1, 2)).map(  # noqa: DTZ001 - made aware in the next line
        lambda d: format_datetime(d.replace(tzinfo=UTC), usegmt=True)
    ),
    st.from_regex(r"(\d{1,4}(ms|s|m|h)){1,3}", fullmatch=True),
    st.from_regex(r"Mon, \d{1,3} Jan \d{1,5} \d\d:\d\d:\d\d [+-]\d{4}", fullmatch=True),
)


@given(headers=st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_whatever_comes_every_wait_is_finite_and_bounded(headers):
    advice = read(*headers)
    waits = [advice.retry_after_s, *(w.reset_s for w in advice.windows)]
    for wait_s in waits:
        assert wait_s is None or 0.0 <= wait_s <= LONGEST_WAIT_S
    for found in advice.windows:
        assert found.limit is None or 0 < found.limit < math.inf
        assert found.remaining is None or 0 <= found.remaining < math.inf
        assert 0 < found.period_s < math.inf
