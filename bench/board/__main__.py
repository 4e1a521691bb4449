"""The board's measurements: `python -m bench.board`. Ends with 1 where a limit of docs/board.md is missed.

1,000,000 deployments and 10,000,000 events in a PostgreSQL of its own, made once and kept in `.cache` (minutes, 6 GB);
`lockgate board` over it as people sign in to it. Everything is on the loopback interface, and ends by itself.
"""

import argparse
import resource
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.board import begin, live, memory, pages, switches
from bench.board.database import Ledger, ledger
from lockgate.adapters.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = ("begin", "pages", "live", "switches", "memory")
FILES = 16_000
"""Open files: 5,000 connections at both ends, through a proxy that has two for each."""


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.board", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be repeated")
    parser.add_argument("--deployments", type=int, default=1_000_000, help="ten events each (default: 1000000)")
    parser.add_argument("--seconds", type=float, default=120, help="of pages under load (default: 120)")
    parser.add_argument("--live", type=float, default=60, help="seconds of 5,000 open pages, twice (default: 60)")
    parser.add_argument("--switches", type=int, default=20, help="of the board below open pages (default: 20)")
    parser.add_argument("--memory-minutes", type=float, default=10, help="how long it is looked at (default: 10)")
    parsed = parser.parse_args()
    console = Console(sys.stdout)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES if hard < 0 else min(FILES, hard)), hard))
    parts: dict[str, Callable[[Ledger, Path], bool]] = {
        "begin": lambda there, folder: begin.measure(console, there, folder),
        "pages": lambda there, folder: pages.measure(console, there, folder, parsed.seconds),
        "live": lambda there, folder: live.measure(console, there, folder, parsed.live),
        "switches": lambda there, folder: switches.measure(console, there, folder, parsed.switches),
        "memory": lambda there, folder: memory.measure(console, there, folder, parsed.memory_minutes),
    }
    with (
        tempfile.TemporaryDirectory(prefix="bench-board-") as name,
        ledger(parsed.deployments, console.step) as there,
    ):
        missed = [part for part in parsed.only or parts if parts[part](there, Path(name) / part)]
    if missed:
        console.bad(f"limits were missed: {', '.join(missed)}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
