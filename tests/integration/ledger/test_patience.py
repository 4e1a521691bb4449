"""`recover` right after a kill: the dead one's lease is waited for, a living one's is not."""

import pytest

from lockgate.adapters.lease_keeper import Patience
from lockgate.core.ledger import LEASE_SECONDS
from lockgate.errors import LeaseHeldError
from tests.integration.ledger.kinds import HandClock

PLACE = ("shop", "production")


class Waiting:
    """One who waits: what happens meanwhile is the test's, and no time passes but on his own clock."""

    def __init__(self, *meanwhile):
        self.clock = HandClock()
        self.began = self.clock.monotonic()
        self.meanwhile = list(meanwhile)
        self.told = []

    @property
    def waited(self):
        return self.clock.monotonic() - self.began

    def acquire(self, ledger):
        patience = Patience(self.clock, self.pause, lambda held, longest: self.told.append((held.holder, longest)))
        return patience.acquire(ledger, *PLACE, "recover")

    def pause(self, seconds):
        self.clock.sleep(seconds)
        if self.meanwhile:
            self.meanwhile.pop(0)()


def nothing():
    pass


def test_a_free_lease_is_taken_at_once(ledger):
    waiting = Waiting()
    assert waiting.acquire(ledger).holder == "recover"
    assert (waiting.waited, waiting.told) == (0, [])


def test_the_lease_of_a_dead_holder_is_taken_when_it_expires(kind, ledger):
    """Said once, with who has it; the fence is a new one, so that nothing the dead one still sends is taken."""
    dead = ledger.acquire(*PLACE, "ada", LEASE_SECONDS)
    waiting = Waiting(nothing, nothing, kind.expire_leases)
    lease = waiting.acquire(ledger)
    assert (lease.holder, lease.fence > dead.fence) == ("recover", True)
    assert waiting.told == [("ada", pytest.approx(75))]
    assert waiting.waited < 10


def test_the_lease_of_one_who_works_is_refused_at_its_next_heartbeat(ledger):
    mine = ledger.acquire(*PLACE, "ada", LEASE_SECONDS / 2)
    waiting = Waiting(nothing, lambda: ledger.renew(mine, LEASE_SECONDS))
    with pytest.raises(LeaseHeldError, match="ada"):
        waiting.acquire(ledger)
    assert waiting.waited < 10


def test_a_lease_that_somebody_else_took_meanwhile_is_refused(kind, ledger):
    """Of two that wait for the same dead one, the first recovers."""

    def overtaken():
        kind.expire_leases()
        ledger.acquire(*PLACE, "bob", LEASE_SECONDS)

    ledger.acquire(*PLACE, "ada", LEASE_SECONDS / 2)
    with pytest.raises(LeaseHeldError, match="bob"):
        Waiting(overtaken).acquire(ledger)


def test_the_wait_is_bounded_by_the_own_clock(ledger):
    """The ledger's time stands still, or was set back: it ends all the same."""
    ledger.acquire(*PLACE, "ada", LEASE_SECONDS)
    waiting = Waiting()
    with pytest.raises(LeaseHeldError, match="ada"):
        waiting.acquire(ledger)
    assert LEASE_SECONDS < waiting.waited < LEASE_SECONDS + 20
