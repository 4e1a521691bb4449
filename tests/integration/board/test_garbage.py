"""When the process looks for what refers to itself."""

import asyncio
import gc
import weakref

import pytest

from lockgate.board import garbage
from lockgate.board.garbage import Garbage


class Hub:
    """Connections, as far as they are counted."""

    ended = watchers = 0


class Loop:
    """Refers to itself."""

    def __init__(self):
        self.me = self


@pytest.fixture
def collecting(monkeypatch):
    """Have it look all the time, and after two connections."""
    monkeypatch.setattr(garbage, "LOOK", 0.001)
    monkeypatch.setattr(garbage, "FEW", 2)


def left_behind():
    """Give something that only a whole collection finds, and that nobody has any more."""
    one = Loop()
    gc.collect()
    return weakref.ref(one)


async def gone(one):
    while one() is not None:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.002)


def test_it_looks_when_as_many_connections_have_ended_as_there_are(collecting):
    """Python's own whole collections are off meanwhile, and on again afterwards."""
    hub, before = Hub(), gc.get_threshold()

    async def scenario():
        task = asyncio.create_task(Garbage(hub).run())
        await asyncio.sleep(0.01)
        assert gc.get_threshold()[2] == garbage.NEVER
        hub.watchers = 3
        for ended in (3, 6):
            one = left_behind()
            hub.ended = ended - 1
            await asyncio.sleep(0.02)
            assert one() is not None
            hub.ended = ended
            await gone(one)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert gc.get_threshold() == before


def test_it_looks_now_and_then_all_the_same(collecting, monkeypatch):
    """Pages leave a little behind, too."""
    monkeypatch.setattr(garbage, "AT_LEAST", 0.02)

    async def scenario():
        one = left_behind()
        task = asyncio.create_task(Garbage(Hub()).run())
        await gone(one)
        task.cancel()

    asyncio.run(asyncio.wait_for(scenario(), 20))
