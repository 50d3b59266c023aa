"""What was asked again: the answer counts, the failure too, and neither hides the other."""

from dataclasses import replace

import pytest

from contractcheck.measuring import observe
from contractcheck.model.completion import Outcome
from contractcheck.model.judgement import Verdict
from contractcheck.workflows.gate_measure import MeasuredSide, join_sides

LIMITED = "{limits: {error_rate: 0.1}}"
TIMED = "{limits: {latency_p95_s: 5}}"


def again(run, failing, *, status=503, **changed):
    """The run as it would be if some first attempts had failed and been made again."""
    exchanges = []
    for exchange in run.exchanges:
        if not failing(exchange):
            exchanges.append(exchange)
            continue
        failed = replace(exchange.response, status=status, body=b"{}", chunk_bytes=(2,))
        failed = replace(failed, chunk_times_us=(1000,))
        exchanges.append(replace(exchange, **{"response": failed, "end_us": 1000} | changed))
        exchanges.append(replace(exchange, attempt=1))
    return replace(run, exchanges=tuple(exchanges))


def in_half(exchange):
    return exchange.trial % 2 == 0


def measure(world, recorded):
    return observe(recorded, world.suite)


def test_the_last_attempt_answers_and_the_first_ones_are_kept(world):
    run = measure(world, again(world.record(10), in_half))
    assert run.count(Outcome.ANSWERED) == len(run.answers) == 32
    assert len(run.earlier) == 16
    failed = [one for one in run.first_attempts() if one.answer.completion.outcome is Outcome.INFRA]
    assert [one.trial % 2 for one in failed] == [0] * 16


def test_what_was_mended_is_no_outage_and_is_said(world):
    recorded = again(world.record(10), in_half)
    judgement = world.judge(measure(world, recorded), world.baseline())
    assert judgement.verdict is Verdict.QUIET
    assert "16 of 48 requests were repeated, most often after: HTTP 503" in judgement.notes


def test_a_limit_on_failures_sees_what_was_mended(make_world):
    world = make_world(policy=LIMITED)
    judgement = world.judge(measure(world, again(world.record(10), in_half)), world.baseline())
    assert judgement.verdict is Verdict.FAIL
    assert "16 of 32 requests failed" in judgement.headline
    whole = world.judge(world.run(10), world.baseline())
    assert whole.verdict is Verdict.QUIET


def test_a_credential_that_was_renewed_is_nobodys_failure(make_world):
    world = make_world(policy=LIMITED)
    recorded = again(world.record(10), in_half, status=401)
    judgement = world.judge(measure(world, recorded), world.baseline())
    assert judgement.verdict is Verdict.QUIET


def test_what_we_broke_off_and_made_again_is_no_failure(make_world):
    world = make_world(policy=LIMITED)
    recorded = again(world.record(10), in_half, ended="closed")
    run = measure(world, recorded)
    assert run.earlier == ()
    assert world.judge(run, world.baseline()).verdict is Verdict.QUIET


def test_what_a_deadline_broke_off_was_not_made_yet(world):
    recorded = world.record(10, status="interrupted")
    cut = tuple(replace(x, ended="closed") if x.trial == 7 else x for x in recorded.exchanges)
    header = replace(recorded.header, stopped="--deadline 60 reached")
    run = measure(world, replace(recorded, header=header, exchanges=cut))
    judgement = world.judge(run, world.baseline())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.headline == (
        "INCONCLUSIVE: only 28 of 32 planned trials were made (run interrupted: --deadline 60 "
        "reached); a complete run would be enough"
    )


def test_a_time_out_is_at_least_as_slow_as_it_was_waited_for(make_world):
    world = make_world(policy=TIMED, samples=20)

    def waited(run, error):
        silent = {"response": None, "headers_us": None, "ended": "error", "error": error}
        late = tuple(
            replace(x, **silent, end_us=120_000_000) if x.trial % 6 == 0 else x
            for x in run.exchanges
        )
        return measure(world, replace(run, exchanges=late))

    baseline = world.baseline()
    timed_out = world.judge(waited(world.record(10), "ReadTimeout"), baseline)
    assert timed_out.verdict is Verdict.FAIL
    assert "95th percentile of total time is 120.00 s" in timed_out.headline
    # Who was refused at once tells nothing of times.
    refused = world.judge(waited(world.record(10), "ConnectError"), baseline)
    assert refused.verdict is Verdict.QUIET


def test_a_time_out_that_a_retry_mended_is_as_slow(make_world):
    world = make_world(policy=TIMED, samples=20)
    silent = {"response": None, "headers_us": None, "ended": "error", "end_us": 120_000_000}

    def mended(error):
        recorded = again(world.record(10), lambda x: x.trial % 6 == 0, error=error, **silent)
        return measure(world, recorded)

    baseline = world.baseline()
    timed_out = world.judge(mended("ReadTimeout"), baseline)
    assert timed_out.verdict is Verdict.FAIL
    assert "95th percentile of total time is 120.00 s" in timed_out.headline
    assert world.judge(mended("ConnectError"), baseline).verdict is Verdict.QUIET


@pytest.mark.parametrize("mended", [True, False])
def test_a_gate_counts_first_attempts(world, mended):
    old = world.run(10)
    recorded = world.record(10)
    new = measure(world, again(recorded, in_half) if mended else recorded)
    table = join_sides(*(MeasuredSide(run=run, first_at=None, last_at=None) for run in (old, new)))
    rows = table[table["metric"] == "error_rate"]
    if not mended:
        assert rows.empty
        return
    shares = rows.groupby("side")["number"].mean()
    assert (shares["from"], shares["to"]) == (0.0, 0.5)
    assert len(rows) == 64
