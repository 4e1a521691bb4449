"""Measure, tell, and end with 1 where a promise is not kept: `python -m bench.gates [--quick] [--seed N]`."""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence

from bench.gates.bursts import span_table
from bench.gates.choice import choice_table
from bench.gates.compare import Comparison, compare
from bench.gates.early import Passed, broken_promises, early, early_table
from bench.gates.text import Table
from bench.gates.tuned import tuned_table
from lockgate.adapters.console import Console

SEED = 20260925
RUNS, QUICK = 2000, 200


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.gates", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    runs = QUICK if options.quick else RUNS
    console = Console(sys.stdout)
    started = time.monotonic()
    comparison, passed = compare(options.seed, runs), early(options.seed, runs)
    for table in _tables(comparison, passed, options.seed, runs):
        print(table.markdown(), end="\n\n", flush=True)
    print(f"seed {options.seed}, {time.monotonic() - started:.0f} s")
    broken = comparison.broken_promises() + broken_promises(passed)
    for each in broken:
        console.bad(each)
    if not broken:
        console.good(
            "false failures, passes, distance to the bound and time to fail a dead release are within their limits"
        )
    return 1 if broken else 0


def _tables(comparison: Comparison, passed: Sequence[Passed], seed: int, runs: int) -> Iterator[Table]:
    yield comparison.table()
    yield comparison.multiples()
    yield early_table(passed)
    # Half an hour of samples for each cell: fewer of them.
    few = max(20, runs // 8)
    for rate, density in ((2.0, 1.0), (20.0, 1.0), (20.0, 0.5)):
        yield span_table(seed, few, rate, density)
    yield choice_table(seed, runs // 4)
    yield tuned_table(seed, runs // 4)


if __name__ == "__main__":
    raise SystemExit(main())
