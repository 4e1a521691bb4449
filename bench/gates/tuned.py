"""The fair comparison: threshold rules tuned with knowledge of traffic and fault, against one untuned test."""

import itertools
import statistics
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from bench.gates.compare import ALONE, DEFAULT, LONGEST, RATES, WATCH
from bench.gates.measure import Cell, measure, streams
from bench.gates.rules import ALPHA, Threshold
from bench.gates.streams import HEALTHY, Stream, steady
from bench.gates.text import Table, percent

SHORTEST = 1.0
INTERVALS = (SHORTEST, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
FAILURES = (1, 2, 3)
LEAST = (0.99, 0.985, 0.98, 0.975, 0.965, 0.95, 0.935, 0.9, 0.85, 0.8)
BAD_RATES = (0.02, 0.05, 0.2)
CANDIDATES = tuple(
    Threshold(f"{interval:g} s, >= {least:.1%}, {failures}", interval, least, failures)
    for interval, least, failures in itertools.product(INTERVALS, LEAST, FAILURES)
)


def tuned_table(seed: int, runs: int) -> Table:
    """Choose the best rule for each traffic and fault, then run it on fresh samples beside Lockgate's default."""
    places = list(itertools.product(RATES, (HEALTHY, *BAD_RATES)))
    with ProcessPoolExecutor() as pool:
        trained = dict(zip(places, pool.map(partial(_train, seed=seed, runs=runs), places), strict=True))
    rows = []
    for rate, bad in itertools.product(RATES, BAD_RATES):
        allowed = [index for index, share in enumerate(trained[rate, HEALTHY]) if share <= ALPHA]
        best = CANDIDATES[min(allowed, key=trained[rate, bad].__getitem__)]
        makers = (
            partial(steady, rate=rate, seconds=WATCH, bad_rate=HEALTHY),
            partial(steady, rate=rate, seconds=LONGEST, bad_rate=bad),
        )
        found = measure([Cell(rule, maker, runs) for maker in makers for rule in (best, DEFAULT, ALONE)], seed)
        shares = (percent(each.share) for each in found[:2])
        rows.append((f"{rate:g}", f"{bad:.0%}", best.name, *shares, *(f"{each.mean:.1f}" for each in found[3:])))
    title = (
        f"The best of {len(CANDIDATES)} threshold rules (interval, least share of good, failures) for each traffic and "
        f"fault, among those with at most 1 % false failures, on fresh samples ({runs:,} runs)"
    )
    header = (
        "samples/s",
        "bad",
        "tuned rule",
        "false, tuned",
        "false, Lockgate",
        "mean s, tuned",
        "Lockgate, default",
        "Lockgate, span 0",
    )
    return Table(title, header, tuple(rows))


def _train(place: tuple[float, float], *, seed: int, runs: int) -> list[float]:
    """Give, for each candidate, the share that was failed where the samples are healthy, else the mean time."""
    rate, bad = place
    seconds = WATCH if bad == HEALTHY else LONGEST
    maker = partial(steady, rate=rate, seconds=seconds, bad_rate=bad)
    times = [_all_fail_at(stream) for stream in streams(maker, runs, f"{seed}/training")]
    if bad == HEALTHY:
        return [sum(t is not None for t in column) / runs for column in zip(*times, strict=True)]
    return [statistics.fmean(seconds if t is None else t for t in column) for column in zip(*times, strict=True)]


def _all_fail_at(stream: Stream) -> list[float | None]:
    """Give when each candidate fails one stream: what `Threshold.fails_at` gives, for all of them at once."""
    shortest = [0] * int(stream.seconds / SHORTEST)
    for bad in stream.bads:
        shortest[int(bad / stream.rate / SHORTEST + 1e-9)] += 1
    found: list[float | None] = []
    for interval in INTERVALS:
        each = int(interval / SHORTEST)
        total = interval * stream.rate
        counts = (sum(shortest[begin : begin + each]) for begin in range(0, len(shortest), each))
        bads = [(window, bad) for window, bad in enumerate(counts, start=1) if bad]
        for least in LEAST:
            failed = [window for window, bad in bads if total - bad < least * total - 1e-9]
            found += [failed[count - 1] * interval if count <= len(failed) else None for count in FAILURES]
    return found
