"""Wait for the lease of a process that has died, as long as nothing says that it lives."""

from contextlib import suppress
from datetime import timedelta

from lockgate.adapters.lease_keeper import Patience
from lockgate.adapters.signals import StopSignal, ThreadStop
from lockgate.commands.project import Project
from lockgate.core.ledger import Lease
from lockgate.errors import InterruptedByUserError


def patience(project: Project, stop: StopSignal | ThreadStop) -> Patience:
    """Give what waits for a lease, says so, and lets a signal end it: InterruptedByUserError."""

    def pause(seconds: float) -> None:
        with suppress(KeyboardInterrupt), stop.interruptible():
            # One that came while the ledger was asked has raised nothing.
            stop.clock(project.clock).sleep(0.0 if stop.requested else seconds)
        if stop.requested:
            raise InterruptedByUserError(
                "Interrupted while waiting for the lease; nothing was changed.", fix="Run `lockgate recover` again."
            )

    def say(held: Lease, longest: float) -> None:
        until = project.clock.now() + timedelta(seconds=longest)
        project.console.warn(
            f"{held.environment}: {held.holder} has the lease until {held.expires_at}; waiting until it expires or is "
            f"renewed, until {until:%H:%M:%S} UTC at most"
        )

    return Patience(project.clock, pause, say)
