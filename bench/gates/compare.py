"""Rules against each other and against what is possible."""

from dataclasses import dataclass
from functools import partial

from bench.gates.kayenta import Kayenta
from bench.gates.measure import Cell, Outcome, measure
from bench.gates.rules import DOCUMENTED, KnownRate, Rule, Sequential, bound
from bench.gates.streams import HEALTHY, steady
from bench.gates.text import Table, percent, times

RATES = (0.2, 2.0, 20.0)
BAD_RATES = (0.02, 0.05, 0.2, 1.0)
WATCH, LONGEST = 1800.0, 3600.0
"""How long a healthy release is watched, and how long a bad one at most, in seconds."""
DEFAULT = Sequential("Lockgate, default (minimum span 2 s)", 2.0)
ALONE = Sequential("Lockgate, minimum span 0: the test alone")
KNOWN = KnownRate(1.0).name
_COLUMNS = tuple(f"{bad:.0%} bad" for bad in BAD_RATES)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found, by rule, samples a second and bad rate."""

    found: dict[tuple[str, float, float], Outcome]
    runs: int

    def multiple(self, name: str, rate: float, bad: float) -> float:
        """Give a mean time as a multiple of Wald's bound."""
        return self.found[name, rate, bad].mean * rate / bound(bad)

    def table(self) -> Table:
        """Give the whole."""
        rows = []
        for rate in RATES:
            for name in dict.fromkeys(name for name, _, _ in self.found):
                healthy = self.found.get((name, rate, HEALTHY))
                cells = (times(self.found[name, rate, bad]) for bad in BAD_RATES)
                rows.append((f"{rate:g}", name, percent(healthy.share) if healthy else "", *cells))
            bounds = (f"{bound(bad) / rate:.1f}" for bad in BAD_RATES)
            rows.append((f"{rate:g}", "Wald's bound on the mean of any test", "", *bounds))
        title = (
            "False failures over 30 min at 0.5 % bad, and seconds to fail a bad release: mean / median / 95th "
            f"percentile, within an hour ({self.runs:,} runs)"
        )
        return Table(title, ("samples/s", "rule", "false failures", *_COLUMNS), tuple(rows))

    def multiples(self) -> Table:
        """Give the mean times as multiples of the bound."""
        rows = tuple(
            (f"{rate:g}", name, *(f"{self.multiple(name, rate, bad):.2f}" for bad in BAD_RATES))
            for rate in RATES
            for name in (DEFAULT.name, ALONE.name, KNOWN)
        )
        return Table("Mean time as a multiple of Wald's bound", ("samples/s", "rule", *_COLUMNS), rows)

    def broken_promises(self) -> list[str]:
        """Say which of the targets is not met, by more than three standard errors: few runs must not cry wolf."""
        broken = [
            f"{rule.name} failed {percent(found.share)} of healthy releases at {rate:g} samples/s; the limit is 1 %"
            for rule in (DEFAULT, ALONE)
            for rate in RATES
            if (found := self.found[rule.name, rate, HEALTHY]).share - 3 * found.error_of_share > 0.01
        ]
        broken += [
            f"{ALONE.name}: {found.mean:.2f} s at {rate:g} samples/s and {bad:.0%} bad; the limit is {limit:.2f} s"
            for rate in RATES
            for bad in (0.05, 0.2)
            if (found := self.found[ALONE.name, rate, bad]).mean - 3 * found.error_of_mean
            > (limit := 1.5 * bound(bad) / rate)
        ]
        if (dead := self.found[DEFAULT.name, 2.0, 1.0].mean) > 3:
            broken.append(f"a dead release was failed after {dead:.1f} s at 2 samples/s; the limit is 3 s")
        return broken


def compare(seed: int, runs: int) -> Comparison:
    """Measure every rule at every rate of samples and errors."""
    rules: tuple[Rule, ...] = (DEFAULT, ALONE, *DOCUMENTED, Kayenta())
    cells: dict[tuple[str, float, float], Cell] = {}
    for rate in RATES:
        for rule in rules:
            # An hour and two sorted series for one judgement: fewer of them, and no verdict after half an hour.
            slow = isinstance(rule, Kayenta)
            many = max(20, runs // 20) if slow else runs
            healthy = partial(steady, rate=rate, seconds=LONGEST if slow else WATCH, bad_rate=HEALTHY)
            cells[rule.name, rate, HEALTHY] = Cell(rule, healthy, many)
            # The mean times that are held against the bound are cheap, and worth a digit more.
            more = 5 if isinstance(rule, Sequential) else 1
            cells |= {
                (rule.name, rate, bad): bad_release(rule, rate, bad, (more if bad >= 0.05 else 1) * many)
                for bad in BAD_RATES
            }
        cells |= {(KNOWN, rate, bad): bad_release(KnownRate(bad), rate, bad, runs) for bad in BAD_RATES}
    return Comparison(dict(zip(cells, measure(list(cells.values()), seed), strict=True)), runs)


def bad_release(rule: Rule, rate: float, bad: float, runs: int) -> Cell:
    """Give the cell of a release that is bad from the start."""
    # Where every sample is bad, every run is the same, but for a judge that draws a baseline.
    return Cell(
        rule,
        partial(steady, rate=rate, seconds=LONGEST, bad_rate=bad),
        1 if bad >= 1 and not isinstance(rule, Kayenta) else runs,
    )
