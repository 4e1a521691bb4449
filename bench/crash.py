"""The crash matrix: `python -m bench.crash`. Every boundary of the journal, every kind of fault, on the real target.

A rollout runs under load and is cut off at each line of its journal; then `lockgate recover` runs. Ends with 1 where a
cell does not end with one healthy verified revision taking all traffic, an outcome that is true, nothing left over and
no healthy answer lost. About 10 minutes for all 250 cells on 2 cores.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path

from bench.cells import SCENARIOS, Bench, Boundary, Cell
from bench.cut_off import FAULTS
from lockgate.adapters.console import Console

WORKERS = 3
Matrix = dict[tuple[Boundary, str], Cell]


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__)
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this one; may be repeated")
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="only this one; may be repeated")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"cells at the same time (default: {WORKERS})")
    parsed = parser.parse_args()
    faults, scenarios = parsed.fault or list(FAULTS), parsed.scenario or list(SCENARIOS)
    console = Console(sys.stdout)
    started = time.monotonic()
    with ExitStack() as stack:
        folders = [stack.enter_context(tempfile.TemporaryDirectory(prefix="crash-")) for _ in range(parsed.workers)]
        benches = [stack.enter_context(closing(Bench(Path(folder)))) for folder in folders]
        boundaries = [one for scenario in scenarios for one in benches[0].boundaries(scenario)]
        wanted = [(boundary, fault) for boundary in boundaries for fault in faults]
        console.step(f"{len(boundaries)} boundaries x {len(faults)} faults = {len(wanted)} cells")
        matrix = asyncio.run(_measure(benches, wanted, console))
    return _tell(console, matrix, boundaries, faults, time.monotonic() - started)


async def _measure(benches: list[Bench], wanted: Iterable[tuple[Boundary, str]], console: Console) -> Matrix:
    matrix: Matrix = {}
    queue = iter(list(wanted))

    async def work(bench: Bench) -> None:
        for boundary, fault in queue:
            cell = matrix[boundary, fault] = await bench.cut_off(boundary, fault)
            if cell.complaints or cell.lost:
                console.bad(f"{boundary}, {fault}: {cell.outcome}, {cell.lost} lost; {'; '.join(cell.complaints)}")
                await asyncio.to_thread(bench.begin_anew)

    await asyncio.gather(*map(work, benches))
    return matrix


def _tell(console: Console, matrix: Matrix, boundaries: list[Boundary], faults: list[str], seconds: float) -> int:
    rows = [
        [str(boundary), *(f"{(cell := matrix[boundary, fault]).outcome}, {cell.lost}" for fault in faults)]
        for boundary in boundaries
    ]
    console.table("Cut off at: outcome, requests lost", ["boundary", *faults], rows)
    cells = matrix.values()
    wrong = sum(bool(cell.complaints) for cell in cells)
    lost = sum(cell.lost for cell in cells)
    requests, broken = sum(cell.requests for cell in cells), sum(cell.broken for cell in cells)
    told = f"{len(cells)} cells in {seconds:.0f} s, {requests:,} requests; {broken} answered by a broken release"
    if wrong or lost:
        console.bad(f"{told}; {wrong} cells ended wrong, {lost} requests lost")
        return 1
    console.good(f"{told}; every cell ended well, 0 requests lost")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
