"""What is known of the ledger: asked once for all, kept for a moment, and given with its age when there is nothing newer."""

import asyncio
import threading

import pytest

from lockgate.board.known import PAUSE, Known
from lockgate.errors import GitHubError, LedgerSlowError, LedgerUnavailableError


class Time:
    """A time that moves when told."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Ledger:
    """Answers, or fails, and counts how often it was asked."""

    def __init__(self):
        self.asked, self.error = 0, None

    def __call__(self):
        self.asked += 1
        if self.error:
            raise self.error
        return self.asked


def played(scenario, seconds=1.0):
    async def run():
        time, ledger = Time(), Ledger()
        known = Known(time, seconds)
        try:
            await scenario(known, ledger, time)
        finally:
            known.close()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_an_answer_is_good_for_a_moment_or_until_something_happens():
    """Then the question is asked again; another viewer's question is another question."""

    async def scenario(known, ledger, time):
        assert (await known.ask("a", ledger)).value == 1
        time.now += 0.9
        again = await known.ask("a", ledger)
        assert (again.value, round(again.age, 1)) == (1, 0.9)
        assert (await known.ask("b", ledger)).value == 2
        time.now += 0.2
        assert (await known.ask("a", ledger)).value == 3
        known.drop()
        assert (await known.ask("a", ledger)).value == 4
        assert (known.hits, known.misses) == (1, 4)
        assert (await known.ask("rare", ledger, 30)).value == 5
        known.drop()
        time.now += 29
        assert (await known.ask("rare", ledger, 30)).value == 5

    played(scenario)


def test_many_who_ask_the_same_at_once_are_one_question():
    """Also where one of them goes away meanwhile."""

    async def scenario(known, ledger, time):
        may = threading.Event()

        def slow():
            may.wait(10)
            return ledger()

        asking = [asyncio.create_task(known.ask("a", slow)) for _ in range(50)]
        await asyncio.sleep(0)
        asking[0].cancel()
        may.set()
        answers = await asyncio.gather(*asking[1:])
        assert {one.value for one in answers} == {1}
        assert ledger.asked == 1

    played(scenario, seconds=0)


def test_a_ledger_that_is_away_is_not_asked_by_everybody_and_is_asked_again():
    """What was known is given with its age and the reason; what never was known is an error; nobody waits for it twice."""

    async def scenario(known, ledger, time):
        await known.ask("a", ledger)
        ledger.error = LedgerUnavailableError("gone")
        time.now += 5
        old = await known.ask("a", ledger)
        assert (old.value, old.age, old.problem.what) == (1, 5.0, "gone")
        assert known.problem.what == "gone"
        for key in ("a", "b", "c"):
            if key == "a":
                assert (await known.ask(key, ledger)).value == 1
            else:
                with pytest.raises(LedgerUnavailableError):
                    await known.ask(key, ledger)
        assert ledger.asked == 2
        time.now += PAUSE + 0.1
        assert (await known.ask("a", ledger)).problem.what == "gone"  # at once; meanwhile it is asked again
        await asyncio.gather(*known._tries, return_exceptions=True)
        assert ledger.asked == 3
        ledger.error = None
        time.now += PAUSE + 0.1
        assert (await known.ask("a", ledger)).value == 1
        await asyncio.gather(*known._tries)
        back = await known.ask("a", ledger)
        assert (back.value, back.problem, known.problem) == (4, None, None)
        assert (await known.ask("b", ledger)).problem is None

    played(scenario)


@pytest.mark.parametrize("error", [LedgerSlowError("too much"), GitHubError("away")])
def test_one_question_that_fails_leaves_the_others_alone(error):
    """One that takes too long, or that somebody else did not answer, is not asked again at once; the rest goes on."""

    async def scenario(known, ledger, time):
        ledger.error = error
        for _ in range(3):
            with pytest.raises(type(error)):
                await known.ask("much", ledger)
        assert (ledger.asked, known.problem) == (1, None)
        ledger.error = None
        assert (await known.ask("little", ledger)).value == 2
        time.now += PAUSE + 0.1
        assert (await known.ask("much", ledger)).value == 3

    played(scenario)


def test_what_is_known_has_an_end(monkeypatch):
    """However many different questions are asked."""
    monkeypatch.setattr("lockgate.board.known.ENTRIES", 5)

    async def scenario(known, ledger, time):
        for number in range(20):
            await known.ask(number, ledger)
        assert len(known._entries) == 5

    played(scenario)
