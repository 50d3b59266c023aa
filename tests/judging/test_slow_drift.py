"""A provider that changes a little every night is held against what was accepted, not last night."""

from contractcheck.model.judgement import Verdict


def test_a_slow_drift_is_found_although_each_night_resembles_the_last(world, shape):
    baseline = world.baseline()
    previous, verdicts = None, []
    for step in range(11):
        tonight = world.run(10 + step, shape(text="I cannot say.", share=step / 10))
        verdicts.append(world.judge(tonight, baseline, previous).verdict)
        previous = tonight
    assert verdicts[0] is Verdict.QUIET
    assert verdicts[-1] is Verdict.FAIL
    # Once found it stays found: nothing that came later moved what it is held against.
    first = verdicts.index(Verdict.FAIL)
    assert verdicts[first:] == [Verdict.FAIL] * (len(verdicts) - first)
