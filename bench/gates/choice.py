"""Why this test: the ones that were considered, on faults from the start and on late ones."""

from functools import partial

from bench.gates.compare import WATCH
from bench.gates.measure import Cell, measure
from bench.gates.mixtures import OnsetCounts, beta, even_grid
from bench.gates.rules import Evidence, Sequential
from bench.gates.streams import HEALTHY, late, steady
from bench.gates.text import Table, percent

ONSET = 300.0
RATE = 2.0
BAD_RATES = (0.02, 0.05, 0.2, 1.0)


def _even_grid(seconds: float, _span: float) -> Evidence:
    return OnsetCounts(even_grid, seconds, 8)


def _beta(seconds: float, _span: float) -> Evidence:
    return OnsetCounts(beta, seconds, 1)


def _beta_onsets(seconds: float, _span: float) -> Evidence:
    return OnsetCounts(beta, seconds, 8)


TESTS = (
    Sequential("weighted grid, 0.8 at once, 256 onsets (taken)"),
    Sequential("even grid, 8 onsets", make=_even_grid),
    Sequential("beta mixture above p0, no onsets", make=_beta),
    Sequential("beta mixture above p0, 8 onsets", make=_beta_onsets),
)


def choice_table(seed: int, runs: int) -> Table:
    """Compare them at 2 samples a second in a watch of half an hour, with no minimum span."""
    healthy = partial(steady, rate=RATE, seconds=WATCH, bad_rate=HEALTHY)
    cells = []
    for test in TESTS:
        cells.append(Cell(test, healthy, 4 * runs))
        cells += [Cell(test, partial(steady, rate=RATE, seconds=WATCH, bad_rate=bad), runs) for bad in BAD_RATES]
        cells += [
            Cell(test, partial(late, rate=RATE, seconds=WATCH, bad_rate=bad, onset=ONSET), runs) for bad in BAD_RATES
        ]
    found = measure(cells, seed)
    width, rows = 1 + 2 * len(BAD_RATES), []
    for place, test in enumerate(TESTS):
        null, *rest = found[place * width : (place + 1) * width]
        now, later = rest[: len(BAD_RATES)], [each.after(ONSET) for each in rest[len(BAD_RATES) :]]
        rows.append((test.name, percent(null.share), *(f"{each.mean:.1f}" for each in (*now, *later))))
    title = (
        f"Tests considered, {RATE:g} samples/s, no minimum span: false failures over 30 min, and mean seconds to fail "
        f"a release that is bad from the start, or turns bad after {ONSET / 60:g} minutes ({runs:,} runs)"
    )
    header = (
        "test",
        "false failures",
        *(f"{bad:.0%} bad" for bad in BAD_RATES),
        *(f"{bad:.0%}, late" for bad in BAD_RATES),
    )
    return Table(title, header, tuple(rows))
