"""Why this test: the ones that were considered, on faults from the start and on late ones."""

from functools import partial

from bench.gates.compare import WATCH
from bench.gates.measure import Cell, Maker, measure
from bench.gates.mixtures import OnsetCounts, beta, even_grid
from bench.gates.rules import ONSETS, Evidence, Sequential
from bench.gates.streams import HEALTHY, late, steady
from bench.gates.text import Table, percent

ONSET = 300.0


def _even_grid(seconds: float, _span: float) -> Evidence:
    return OnsetCounts(even_grid, seconds, ONSETS)


def _beta(seconds: float, _span: float) -> Evidence:
    return OnsetCounts(beta, seconds, 1)


def _beta_onsets(seconds: float, _span: float) -> Evidence:
    return OnsetCounts(beta, seconds, ONSETS)


TESTS = (
    Sequential("weighted grid, 0.8 at once, then after bad ones (taken)"),
    Sequential("even grid of 16, 8 onsets (before)", make=_even_grid),
    Sequential("beta mixture above p0, no onsets", make=_beta),
    Sequential("beta mixture above p0, 8 onsets", make=_beta_onsets),
)
HEALTHY_STREAMS = partial(steady, rate=2.0, seconds=WATCH, bad_rate=HEALTHY)
BAD_STREAMS: dict[str, Maker] = {
    **{f"{bad:.0%}": partial(steady, rate=2.0, seconds=WATCH, bad_rate=bad) for bad in (0.02, 0.05, 0.2)},
    **{
        f"{bad:.0%} late, {rate:g}/s": partial(late, rate=rate, seconds=WATCH, bad_rate=bad, onset=ONSET)
        for rate in (2.0, 20.0)
        for bad in (0.05, 0.2, 1.0)
    },
}


def choice_table(seed: int, runs: int) -> Table:
    """Compare them in a watch of half an hour, with no minimum span."""
    rows = []
    for test in TESTS:
        cells = [Cell(test, HEALTHY_STREAMS, 4 * runs), *(Cell(test, maker, runs) for maker in BAD_STREAMS.values())]
        healthy, *found = measure(cells, seed)
        begins = (ONSET if maker.func is late else 0.0 for maker in BAD_STREAMS.values())
        seconds = (f"{each.after(begin).mean:.1f}" for each, begin in zip(found, begins, strict=True))
        rows.append((test.name, percent(healthy.share), *seconds))
    title = (
        "Tests considered, 2 samples/s, no minimum span: false failures over 30 min, and mean seconds to fail a "
        f"release that is bad from the start, or from {ONSET / 60:g} minutes on, also at 20 samples/s ({runs:,} runs)"
    )
    return Table(title, ("test", "false failures", *BAD_STREAMS), tuple(rows))
