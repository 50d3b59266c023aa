import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor

import pytest

from contractcheck.cassettes import SLOT, in_trial
from contractcheck.cassettes.trial import Slot
from contractcheck.errors import UsageError


def test_the_innermost_trial_counts_and_nothing_is_left_behind():
    assert SLOT.get() is None
    with in_trial("outer", 1) as outer:
        with in_trial("inner", 2) as inner:
            assert SLOT.get() is inner
        assert SLOT.get() is outer
    with pytest.raises(ZeroDivisionError), in_trial("case", 0):
        raise ZeroDivisionError
    assert SLOT.get() is None


def test_tasks_and_copied_contexts_inherit_the_trial_and_bare_threads_do_not():
    async def nested():
        return await asyncio.gather(*(deeper() for _ in range(2)))

    async def deeper():
        return SLOT.get(), await asyncio.to_thread(SLOT.get)

    with in_trial("case", 0) as slot, ThreadPoolExecutor(max_workers=1) as pool:
        assert asyncio.run(nested()) == [(slot, slot)] * 2
        assert pool.submit(contextvars.copy_context().run, SLOT.get).result() is slot
        assert pool.submit(SLOT.get).result() is None


def test_all_that_was_left_for_the_end_is_done_even_when_part_of_it_fails():
    done = []
    slot = Slot("case", 0)
    slot.at_end["a"] = lambda: done.append("a")
    slot.at_end["b"] = lambda: 1 // 0
    slot.at_end["c"] = lambda: done.append("c")
    with pytest.raises(ZeroDivisionError):
        slot.close()
    assert sorted(done) == ["a", "c"]
    assert slot.at_end == {}


@pytest.mark.parametrize(
    "case", ["Greet", "my case", "../esc", "a/b", "", ".x", "a" * 65, "test_x[a]", "é", None]
)
def test_refuses_a_case_that_cannot_be_the_name_of_a_file(case):
    with pytest.raises(UsageError, match="is not the id of a case"), in_trial(case, 0):
        pass
    assert SLOT.get() is None


@pytest.mark.parametrize("trial", ["0", True, -1, 1.0, None])
def test_refuses_a_trial_that_is_no_index(trial):
    with pytest.raises(UsageError, match="is not the index of a trial"), in_trial("greet", trial):
        pass
