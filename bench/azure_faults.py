"""The fault matrix: `python -m bench.azure_faults`. Every call of a rollout on Azure x everything that can go wrong.

Each cell is a rollout against the local Azure in which one call goes wrong in one way. Then Azure is well again, a
machine that has nothing but the ledger runs `lockgate recover`, and the next release is deployed. Ends with 1 where an
outcome is not true, users met a release that was not judged, a swap was made twice, or what is there at the end is not
one verified release with all users and nothing besides.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.azure_cells import KILLED, REFUSED, SCENARIOS, Call, Cell, disturb, rehearse
from bench.azure_cut import Cut, cut_off, lines
from bench.azure_place import KINDS, AzurePlace
from bench.azure_troubles import TROUBLES
from lockgate.adapters.console import Console

Wanted = tuple[str, Call, str]
OUTCOMES = ("deployed", "aborted", "rolled_back", "broken", REFUSED, KILLED)
WORKERS = 2
_MEMORY = Path("/dev/shm")  # noqa: S108 - a disk that is waited for would be all that is measured


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.azure_faults", description=__doc__)
    parser.add_argument("--target", action="append", choices=KINDS, help="only this one; may be repeated")
    parser.add_argument("--scenario", action="append", choices=list(SCENARIOS), help="only this one; may be repeated")
    parser.add_argument("--trouble", action="append", choices=list(TROUBLES), help="only this one; may be repeated")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"processes (default: {WORKERS})")
    parser.add_argument("--cells", action="store_true", help="print every cell")
    parsed = parser.parse_args()
    console, started = Console(sys.stdout), time.monotonic()
    wrong = total = 0
    for kind in parsed.target or KINDS:
        wanted = list(cells_of(kind, parsed.scenario or SCENARIOS, parsed.trouble or TROUBLES))
        parts = [wanted[number :: parsed.workers] for number in range(parsed.workers)]
        with ProcessPoolExecutor(parsed.workers) as pool:
            cells = [cell for part in pool.map(partial(measure, kind), parts) for cell in part]
        tell(console, kind, cells)
        for cell in cells:
            line = f"{cell.scenario}, {cell.call.number} {cell.call.label}, {cell.trouble}: {cell.outcome}"
            if cell.complaints:
                console.bad(f"{kind}: {line}; {'; '.join(cell.complaints)}")
            elif parsed.cells:
                console.step(f"{line}, then {cell.recovered or 'nothing to recover'}; {cell.serves} serves")
        cuts = cut_everywhere(kind, parsed.scenario or SCENARIOS)
        console.step(f"{kind}: cut off at {len(cuts)} points of the journal: {told_of(cuts)}")
        for cut in cuts:
            if cut.complaints:
                console.bad(f"{kind}: {cut.line}: {cut.recovered}; {'; '.join(cut.complaints)}")
        total += len(cells) + len(cuts)
        wrong += sum(bool(cell.complaints) for cell in cells) + sum(bool(cut.complaints) for cut in cuts)
    told = f"{total} cells in {time.monotonic() - started:.0f} s"
    if wrong:
        console.bad(f"{told}; {wrong} ended wrong")
        return 1
    console.good(f"{told}; every outcome true, nobody served by an unjudged release, no swap made twice, all recovered")
    return 0


@contextmanager
def opened(kind: str) -> Iterator[AzurePlace]:
    """Open a place in a folder that is removed at the end, in memory where that can be."""
    with tempfile.TemporaryDirectory(prefix="azure-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        place = AzurePlace(Path(folder), kind)
        try:
            with place.wire:
                yield place
        finally:
            place.close()


def cells_of(kind: str, scenarios: Iterable[str], troubles: Iterable[str]) -> Iterator[Wanted]:
    """Give every cell of a target. Of a rollout that goes back, only the calls after it has parted from a good one."""
    with opened(kind) as place:
        usual = [call.label for call in rehearse(place, "deploys")]
        for scenario in scenarios:
            calls = rehearse(place, scenario)
            same = 0
            if scenario != "deploys":
                while same < len(calls) and calls[same].label == usual[same]:
                    same += 1
            for call in calls[same:]:
                yield from ((scenario, call, name) for name in troubles if TROUBLES[name].applies(call.name))


def measure(kind: str, wanted: Iterable[Wanted]) -> list[Cell]:
    """Run these cells in this process."""
    with opened(kind) as place:
        return [disturb(place, *one) for one in wanted]


def cut_everywhere(kind: str, scenarios: Iterable[str]) -> list[Cut]:
    """Cut rollouts off before and after every line of their journal."""
    with opened(kind) as place:
        return [cut_off(place, line) for scenario in scenarios for line in list(lines(place, scenario))]


def told_of(cuts: list[Cut]) -> str:
    """Say how they ended."""
    ends = Counter(cut.recovered.replace("_", " ") or "nothing to recover" for cut in cuts)
    return ", ".join(f"{count} {end}" for end, count in ends.items())


def tell(console: Console, kind: str, cells: list[Cell]) -> None:
    """Print what became of them, by trouble and by call."""
    for title, of in (("what goes wrong", lambda cell: cell.trouble), ("call", lambda cell: cell.call.label)):
        columns = [title, "cells", *(one.replace("_", " ") for one in OUTCOMES), "then: old", "new", "wrong"]
        console.table(f"{kind}: rollouts by {title}", columns, list(_rows(cells, of)))


def _rows(cells: list[Cell], of: Callable[[Cell], str]) -> Iterator[list[str]]:
    for name in [*dict.fromkeys(map(of, cells)), ""]:
        chosen = [cell for cell in cells if not name or of(cell) == name]
        outcomes = Counter(cell.outcome for cell in chosen)
        serves = Counter(cell.serves for cell in chosen)
        wrong = sum(bool(cell.complaints) for cell in chosen)
        numbers = [len(chosen), *(outcomes[one] for one in OUTCOMES), serves["1.0"], serves["1.1"], wrong]
        yield [name or "all", *(str(number) if number else "." for number in numbers)]


if __name__ == "__main__":
    raise SystemExit(main())
