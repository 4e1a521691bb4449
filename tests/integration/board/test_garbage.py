"""When the process looks for what refers to itself."""

import asyncio
import gc
import weakref

import pytest

from lockgate.board.garbage import NEVER, Garbage


class Loop:
    """Refers to itself."""

    def __init__(self):
        self.me = self


def left_behind():
    """Give something that only a whole collection finds, and that nobody has any more."""
    one = Loop()
    gc.collect()
    return weakref.ref(one)


async def gone(one):
    while one() is not None:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.002)


def test_it_looks_when_as_many_connections_have_ended_as_there_are():
    """Python's own whole collections are off meanwhile, and on again afterwards."""
    before, count = gc.get_threshold(), {"there": 0, "ended": 0}

    async def scenario():
        garbage = Garbage(lambda: count["there"], lambda: count["ended"], look=0.001, few=2)
        task = asyncio.create_task(garbage.run())
        await asyncio.sleep(0.01)
        assert gc.get_threshold()[2] == NEVER
        for there, ended in ((0, 2), (3, 5), (3, 8)):
            one = left_behind()
            count.update(there=there, ended=ended - 1)
            await asyncio.sleep(0.02)
            assert one() is not None
            count["ended"] = ended
            await gone(one)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert gc.get_threshold() == before


def test_it_looks_now_and_then_all_the_same():
    """Pages leave a little behind, too. The more there is to look through, the longer it waits."""

    async def scenario():
        one = left_behind()
        task = asyncio.create_task(Garbage(int, int, look=0.001, pause=0.02, share=1e-9).run())
        await gone(one)
        another = left_behind()
        await asyncio.sleep(0.1)
        assert another() is not None
        task.cancel()

    asyncio.run(asyncio.wait_for(scenario(), 20))
