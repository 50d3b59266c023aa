"""What a bound on money and tokens promises: nothing leaves that could take more than is left."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contractcheck.model.completion import Completion, Outcome
from contractcheck.model.exchange import Exchange, Request, Response
from contractcheck.model.suite import Case, Image, Message, Parameters
from contractcheck.model.target import Target
from contractcheck.providers.prices import Price, PriceTable
from contractcheck.sampling import Spending

TARGET = Target(provider="openai", model="m")
PRICE = Price(input_usd=100.0, output_usd=1000.0, as_of="2026-01-01")
PRICES = PriceTable(prices={TARGET.id: PRICE})


@pytest.fixture(scope="module")
def case_of():
    """``case_of(name, limit)``: a case whose answers have so many tokens at most."""

    def make(name="a", limit=None):
        return Case(
            id=name,
            line=1,
            samples=1,
            messages=(Message(role="user", content="Hi"),),
            tools=(),
            response_schema=None,
            parameters=Parameters(max_output_tokens=limit),
            checks=(),
            metrics=(),
            fingerprint_parts={},
            request_fingerprint="r",
        )

    return make


def answer(given, said, outcome=Outcome.ANSWERED):
    return Completion(outcome=outcome, input_tokens=given, output_tokens=said)


STEPS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 2), st.integers(0, 9), st.floats(0.0, 1.0)), max_size=80
)


@given(steps=STEPS, most=st.integers(1, 400), by_money=st.booleans())
def test_the_bound_holds_whenever_answers_keep_to_their_limits(case_of, steps, most, by_money):
    limits = (5, 40, 120)
    cases = [case_of(str(i), limit) for i, limit in enumerate(limits)]
    bound = {"max_usd": most * 0.001} if by_money else {"max_tokens": most}
    spending = Spending(prices=PRICES, **bound)
    under_way = []
    for is_sent, which, place, share in steps:
        if is_sent:
            # Eight bytes: two tokens, as many as will be accounted.
            claim = spending.claim(TARGET, cases[which], 8)
            under_way += [] if claim is None else [(claim, which)]
        elif under_way:
            claim, asked = under_way.pop(place % len(under_way))
            said = round(share * limits[asked])
            spending.note_answer(claim, answer(2, said))
            spending.release(claim)
        assert spending.spent_tokens <= most or by_money
        assert spending.spent_usd <= most * 0.001 + 1e-12 or not by_money
    assert spending.is_idle == (not under_way)


def test_while_nobody_knows_how_long_answers_are_one_leaves_alone(case_of):
    spending = Spending(prices=PRICES, max_tokens=1000)
    first = spending.claim(TARGET, case_of(), 40)
    assert first.tokens == 10
    assert spending.claim(TARGET, case_of(), 40) is None
    # A failure tells nothing of how long answers are.
    spending.note_answer(first, answer(None, None, Outcome.INFRA))
    spending.release(first)
    second = spending.claim(TARGET, case_of(), 40)
    assert spending.claim(TARGET, case_of("b"), 40) is None
    spending.note_answer(second, answer(9, 300))
    spending.release(second)
    held = [spending.claim(TARGET, case_of(name), 40) for name in ("a", "b")]
    assert [one.tokens for one in held] == [309, 310]


def test_an_answer_longer_than_its_limit_is_believed(case_of):
    spending = Spending(prices=PRICES, max_tokens=1000)
    first = spending.claim(TARGET, case_of(limit=20), 40)
    assert first.tokens == 30
    spending.note_answer(first, answer(12, 90))
    assert spending.claim(TARGET, case_of(limit=20), 40).tokens == 102


@pytest.fixture(scope="module")
def seen(case_of):
    picture = Image(name="a.png", media_type="image/png", data=b"x" * 100_000)
    message = Message(role="user", content="Hi", images=(picture,))
    return replace(case_of(limit=20), messages=(message,))


def test_the_tokens_of_a_picture_are_not_counted_by_its_bytes(seen):
    assert Spending(prices=PRICES, max_tokens=1000).claim(TARGET, seen, 140_000).tokens == 20


def test_a_picture_leaves_alone_until_somebody_counted_its_tokens(seen):
    spending = Spending(prices=PRICES, max_tokens=2000)
    first = spending.claim(TARGET, seen, 140_000)
    assert spending.claim(TARGET, seen, 140_000) is None
    spending.note_answer(first, answer(800, 20))
    spending.release(first)
    assert spending.claim(TARGET, seen, 140_000).tokens == 820
    assert spending.claim(TARGET, seen, 140_000) is None
    assert spending.spent_tokens == 820


@pytest.mark.parametrize("outcome", [Outcome.ANSWERED, Outcome.MALFORMED])
@pytest.mark.parametrize("bound", [{"max_tokens": 1000}, {"max_usd": 100.0}])
def test_an_answer_without_usage_teaches_nothing_and_is_charged_its_claim(case_of, outcome, bound):
    """As a content filter's refusal with HTTP 400 comes."""
    spending = Spending(prices=PRICES, **bound)
    filtered = spending.claim(TARGET, case_of(), 2000)
    spending.note_answer(filtered, answer(None, None, outcome))
    spending.release(filtered)
    assert (spending.spent_tokens, spending.untold) == (500, 1)
    assert spending.spent_usd == pytest.approx(500 * PRICE.input_usd / 1e6)
    assert spending.claim(TARGET, case_of(), 400).tokens == 100
    assert spending.claim(TARGET, case_of(), 400) is None, "the second leaves alone too"


def test_what_an_earlier_session_was_not_told_is_charged_as_its_request_would_be(case_of):
    refusal = b'{"error": {"message": "no", "code": "content_filter"}}'
    exchange = Exchange(
        case="a",
        trial=0,
        attempt=0,
        request=Request(method="POST", url="/", headers=(), body=b"x" * 400, digest="d"),
        response=Response(
            status=400,
            http_version="HTTP/1.1",
            headers=(("content-type", "application/json"),),
            body=refusal,
            chunk_bytes=(len(refusal),),
            chunk_times_us=(0,),
        ),
        started_at="2026-01-01T00:00:00+00:00",
        waited_us=0,
        headers_us=0,
        end_us=1,
        ended="eof",
        error=None,
    )
    spending = Spending(prices=PRICES, max_tokens=1000)
    spending.note(TARGET, case_of(limit=50), exchange)
    assert (spending.spent_tokens, spending.untold) == (150, 1)


def test_a_server_that_never_tells_usage_is_stopped_by_what_it_may_have_taken(case_of):
    spending = Spending(prices=PRICES, max_tokens=1000)
    case, sent = case_of(limit=100), 0
    while (claim := spending.claim(TARGET, case, 400)) is not None:
        sent += 1
        spending.note_answer(claim, answer(None, None))
        spending.release(claim)
    assert sent == 5
    assert spending.words == (
        "1000 of at most 1000 tokens were spent, of which 5 answers without usage by what was "
        "held back (one more request may take 200)"
    )


def test_what_half_a_usage_does_not_tell_is_not_taken_for_none(case_of):
    spending = Spending(prices=PRICES, max_tokens=1000)
    first = spending.claim(TARGET, case_of(), 40)
    spending.note_answer(first, answer(7, None))
    spending.release(first)
    assert (spending.spent_tokens, spending.untold) == (7, 0)
    assert spending.claim(TARGET, case_of(), 40).tokens == 7
    assert spending.claim(TARGET, case_of(), 40) is None
    vectors = Spending(prices=PRICES, max_tokens=1000)
    first = vectors.claim(TARGET, case_of(), 40)
    vectors.note_answer(first, replace(answer(7, None), embedding=(0.5,)))
    assert [vectors.claim(TARGET, case_of(), 40).tokens for _ in range(3)] == [7, 7, 7]


def test_the_bound_that_is_reached_is_told_with_what_would_not_fit(case_of):
    spending = Spending(prices=PRICES, max_tokens=1000, max_usd=10.0)
    assert spending.words == "0 USD of at most 10 USD were spent"
    first = spending.claim(TARGET, case_of(), 40)
    spending.note_answer(first, answer(20, 500))
    spending.release(first)
    assert spending.claim(TARGET, case_of(limit=600), 40) is None
    assert spending.words == "520 of at most 1000 tokens were spent (one more request may take 620)"
    assert spending.option == "--max-tokens N"
    spending = Spending(prices=PRICES, max_tokens=10_000, max_usd=0.01)
    assert spending.claim(TARGET, case_of(limit=600), 40) is None
    assert (
        spending.words == "0 USD of at most 0.01 USD were spent (one more request may take 0.601)"
    )
    assert spending.option == "--max-usd X"


def test_without_a_bound_nothing_is_held_back(case_of):
    spending = Spending(prices=PRICES)
    assert [spending.claim(TARGET, case_of(), 40) is not None for _ in range(3)] == [True] * 3
    assert spending.is_idle
    unheld = spending.claim(TARGET, case_of(), 40)
    spending.note_answer(unheld, answer(None, None))
    assert (spending.spent_tokens, spending.spent_usd, spending.untold) == (0, 0.0, 0)
