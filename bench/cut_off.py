"""Lockgate's command line, unchanged, with one thing going wrong at one exact line of its journal.

`python -P bench/cut_off.py FAULT MOMENT LINE NUMBER COMMAND...`: the ledger's `append` is wrapped in what waits for
that line, like a debugger's breakpoint. Nothing in the product knows of it, and no clock decides where the fault falls.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from lockgate.adapters.sqlite_ledger import SqliteLedger
from lockgate.cli import main
from lockgate.core.ledger import Lease, LedgerEvent

AWAY = ".away"
MARK = "cut-off"
"""A file beside the ledger that says that the fault has happened."""


def kill(_ledger: Path) -> None:
    """SIGKILL: a lost runner, a power cut, the machine out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt(_ledger: Path) -> None:
    """SIGINT: Ctrl-C, or a job that is cancelled."""
    os.kill(os.getpid(), signal.SIGINT)


def disk(ledger: Path) -> None:
    """No file may be written past half of the ledger's size: small files can be, but no new event, in no free page."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ledger.stat().st_size // 2, most))


def room() -> None:
    """Lift the limit: what others write when the interpreter ends, such as coverage, is none of the ledger's."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def ledger(ledger: Path) -> None:
    """The ledger's file is gone, and what is in its place is no file."""
    ledger.rename(ledger.with_suffix(AWAY))
    ledger.mkdir()


FAULTS: dict[str, Callable[[Path], None]] = {fault.__name__: fault for fault in (kill, interrupt, disk, ledger)}


def run(fault: str, moment: str, line: str, number: int, arguments: list[str]) -> int:
    """Run a command; let the fault happen before or after the `number`-th line of this kind is written, once."""
    append = SqliteLedger.append
    path = Path(".lockgate", "ledger.db").absolute()
    seen: set[int] = set()

    def watched(self: SqliteLedger, event: LedgerEvent, lease: Lease) -> None:
        if moment == "before":
            pass_by(event)
        try:
            append(self, event, lease)
        finally:
            if moment == "after":
                pass_by(event)

    def pass_by(event: LedgerEvent) -> None:
        if event.kind == line and event.seq not in seen:
            seen.add(event.seq)
            if len(seen) == number:
                path.with_name(MARK).touch()
                FAULTS[fault](path)

    SqliteLedger.append = watched  # type: ignore[method-assign]
    try:
        return main(arguments)
    finally:
        room()


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:]))
