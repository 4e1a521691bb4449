"""Hold a lease while a block runs: renew it by heartbeat, give it back at the end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lockgate.core.ledger import Lease, Ledger
from lockgate.errors import LockgateError

LEASE_SECONDS = 60.0
"""After this long without a heartbeat, somebody else may take over."""
_BEATS = 4
"""Heartbeats in one lease's time: two may fail before the lease is in danger."""


@contextmanager
def kept(ledger: Ledger, service: str, environment: str, holder: str) -> Iterator[Lease]:
    """Take the lease, keep it alive, release it. Raise LeaseHeldError, StateError.

    A heartbeat that fails is not an error: the next write to the journal is fenced, and that is what counts.
    """
    lease = ledger.acquire(service, environment, holder, LEASE_SECONDS)
    done = threading.Event()

    def beat() -> None:
        while not done.wait(LEASE_SECONDS / _BEATS):
            try:
                ledger.renew(lease, LEASE_SECONDS)
            except LockgateError:
                continue

    heart = threading.Thread(target=beat, name="lease-heartbeat", daemon=True)
    heart.start()
    try:
        yield lease
    finally:
        done.set()
        heart.join()
        # A lease that cannot be given back expires by itself.
        with suppress(LockgateError):
            ledger.release(lease)
