"""What a minimum span buys against errors that come in bursts, and what it costs."""

import math
from functools import partial

from bench.gates.compare import WATCH, bad_release
from bench.gates.measure import Cell, measure
from bench.gates.rules import Sequential
from bench.gates.streams import HEALTHY, bursty
from bench.gates.text import Table, percent

RULES = (
    *(Sequential(f"{span:g} s", span) for span in (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)),
    Sequential("2 s from first to last", first_to_last=2.0),
)
BURSTS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Mean lengths, in seconds."""
BAD_RATES = (0.05, 0.2, 1.0)


def span_table(seed: int, runs: int, rate: float, density: float) -> Table:
    """Give the curve from which a user can choose."""
    cells = []
    for rule in RULES:
        cells += [
            Cell(rule, partial(bursty, rate=rate, seconds=WATCH, mean_burst=each, density=density), runs)
            for each in BURSTS
        ]
        cells += [bad_release(rule, rate, bad, runs) for bad in BAD_RATES]
    found = measure(cells, seed)
    width = len(BURSTS) + len(BAD_RATES)
    rows = []
    for place, rule in enumerate(RULES):
        row = found[place * width : (place + 1) * width]
        shares = (percent(each.share) for each in row[: len(BURSTS)])
        seconds = (f"{each.mean:.1f}" for each in row[len(BURSTS) :])
        rows.append((rule.name, *shares, *seconds))
    if density >= 1:
        rows.append(("longer than 3 s", *(percent(longer_than(3.0, each)) for each in BURSTS), "", "", ""))
    title = (
        f"{rate:g} samples/s, {density:.0%} bad within a burst: false failures over 30 min by mean length of a burst, "
        f"and mean seconds to fail a bad release ({runs:,} runs)"
    )
    header = ("minimum span", *(f"bursts {each:g} s" for each in BURSTS), *(f"{bad:.0%} bad" for bad in BAD_RATES))
    return Table(title, header, tuple(rows))


def longer_than(seconds: float, mean_burst: float) -> float:
    """Give the chance that a watch meets a burst longer than that.

    No rule that fails a dead release within so many seconds, whenever it dies, can tell such a burst from it.
    """
    bursts = WATCH * HEALTHY / mean_burst
    return 1 - math.exp(-bursts * math.exp(-seconds / mean_burst))
