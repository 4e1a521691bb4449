"""Hold a lease while a block runs: renew it by heartbeat, give it back at the end."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from lockgate.adapters.clock import Clock
from lockgate.core.ledger import LEASE_SECONDS, Lease, Ledger
from lockgate.errors import LeaseHeldError, LockgateError

_BEATS = 4
"""Heartbeats in one lease's time: two may fail before the lease is in danger."""
_LATE_SECONDS = 15.0
"""What is waited beyond a lease's time: a ledger has a clock of its own, and may be slow to answer."""
_LOOK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Waits for a lease whose holder may be dead. Where it is renewed meanwhile, or taken again, its holder lives."""

    clock: Clock
    pause: Callable[[float], None]
    """Wait so many seconds; a signal ends that by raising."""
    say: Callable[[Lease, float], None]
    """Tell a person what is waited for, and how many seconds at most."""

    def acquire(self, ledger: Ledger, service: str, environment: str, holder: str) -> Lease:
        """Take the lease now or when it has expired; raise LeaseHeldError where its holder lives, StateError."""
        longest = LEASE_SECONDS + _LATE_SECONDS
        until = self.clock.monotonic() + longest
        seen: Lease | None = None
        while True:
            try:
                return ledger.acquire(service, environment, holder, LEASE_SECONDS)
            except LeaseHeldError:
                held = ledger.holder(service, environment)
                if (held and seen and held != seen) or self.clock.monotonic() >= until:
                    raise
                if held and not seen:
                    self.say(held, longest)
                seen = seen or held
            self.pause(_LOOK_SECONDS)


@contextmanager
def kept(
    ledger: Ledger,
    service: str,
    environment: str,
    holder: str,
    patience: Patience | None = None,
    *,
    say: Callable[[str], None] = lambda _: None,
    every: float = LEASE_SECONDS / _BEATS,
) -> Iterator[Lease]:
    """Take the lease, keep it alive, release it. Raise LeaseHeldError, StateError; with patience, after a wait.

    A heartbeat, one `every` so many seconds, that fails is not an error: the next write to the journal is fenced, and
    that is what counts. What nobody foresaw is said once, and ends no heartbeat.
    """
    if patience:
        lease = patience.acquire(ledger, service, environment, holder)
    else:
        lease = ledger.acquire(service, environment, holder, LEASE_SECONDS)
    done = threading.Event()

    def beat() -> None:
        said = False
        while not done.wait(every):
            try:
                ledger.renew(lease, LEASE_SECONDS)
            except LockgateError:
                continue
            except Exception as error:  # noqa: BLE001 - without a heartbeat the lease is lost
                if not said:
                    say(f"The lease of {service} in {environment} was not renewed, and is tried again: {error!r}")
                said = True

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
