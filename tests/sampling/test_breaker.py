from hypothesis import given, settings
from hypothesis import strategies as st

from contractcheck.sampling.breaker import Breaker


def failed(breaker, times, at_s=0.0):
    for _ in range(times):
        breaker.note_failure(sent_s=at_s, now_s=at_s)


def test_it_stays_closed_below_its_threshold():
    breaker = Breaker(patience_s=60.0, threshold=3)
    failed(breaker, 2)
    assert breaker.ask(0.0).kind == "go"
    breaker.note_answer()
    failed(breaker, 2)
    assert breaker.ask(0.0).kind == "go"


def test_it_lets_one_probe_through_after_a_pause_and_closes_when_it_is_answered():
    breaker = Breaker(patience_s=60.0, threshold=3)
    failed(breaker, 3)
    assert (breaker.ask(0.2).kind, breaker.ask(0.2).wait_s) == ("wait", 0.8)
    assert breaker.ask(1.0).kind == "probe"
    assert breaker.ask(1.0).kind == "wait"
    breaker.note_answer()
    assert [breaker.ask(1.1).kind for _ in range(3)] == ["go", "go", "go"]


def test_probes_become_rarer_and_patience_has_an_end():
    breaker = Breaker(patience_s=60.0, threshold=3)
    failed(breaker, 3)
    now_s, sent_s = 0.0, []
    while (leave := breaker.ask(now_s)).kind != "stop":
        if leave.kind == "probe":
            sent_s.append(now_s)
            breaker.note_failure(sent_s=now_s, now_s=now_s)
        now_s += leave.wait_s
    assert sent_s == [1.0, 3.0, 7.0, 15.0, 30.0, 45.0, 60.0]
    assert breaker.words(now_s, "HTTP 503") == (
        "the provider failed 10 times in a row over 75 s (last: HTTP 503)"
    )


def test_a_probe_that_was_cancelled_is_made_again():
    breaker = Breaker(patience_s=60.0, threshold=1)
    failed(breaker, 1)
    assert breaker.ask(5.0).kind == "probe"
    breaker.note_nothing()
    assert breaker.ask(5.0).kind == "probe"


def test_without_patience_to_lose_it_never_holds_anything_back():
    breaker = Breaker(patience_s=None, threshold=1)
    failed(breaker, 100)
    assert breaker.ask(1e9).kind == "go"


@settings(deadline=None)
@given(
    ends=st.lists(st.booleans(), max_size=80),
    step_s=st.floats(0.01, 5.0),
    at_once=st.integers(1, 8),
)
def test_it_never_stops_while_something_comes_through(ends, step_s, at_once):
    breaker, now_s, answered_s = Breaker(patience_s=20.0, threshold=4), 0.0, 0.0
    for is_answered in ends:
        for _ in range(at_once):
            leave = breaker.ask(now_s)
            if leave.kind == "stop":
                assert now_s - answered_s > 20.0
            if leave.kind in ("go", "probe"):
                if is_answered:
                    breaker.note_answer()
                    answered_s = now_s
                else:
                    breaker.note_failure(sent_s=now_s, now_s=now_s)
        now_s += step_s


def test_a_straggler_is_not_taken_for_the_probe():
    """It was sent before the breaker opened, and fails while a probe is under way."""
    breaker = Breaker(patience_s=60.0, threshold=3)
    failed(breaker, 3)
    assert breaker.ask(1.0).kind == "probe"
    breaker.note_failure(sent_s=0.5, now_s=1.5)
    assert breaker.ask(9.0).kind == "wait"
    breaker.note_failure(sent_s=1.0, now_s=9.0)
    assert breaker.ask(9.0 + 2.0).kind == "probe"
