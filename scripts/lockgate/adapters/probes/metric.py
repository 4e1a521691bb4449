"""Ask a Prometheus server for a value. What it does not know is nobody's fault, and no pass."""

from dataclasses import dataclass
from urllib.parse import quote

from lockgate.adapters.http import Prober
from lockgate.core.metric import Comparison, NoDataError, query_for, values
from lockgate.core.outcome import Outcome, Place, bad, good, unknown
from lockgate.core.probe_config import ProbeConfig
from lockgate.core.samples import Fault


@dataclass(frozen=True, slots=True)
class MetricProbe:
    """One instant query; good if every value that comes back satisfies the comparison."""

    probe: ProbeConfig
    prober: Prober

    async def ask(self, place: Place) -> Outcome:
        """Ask once."""
        try:
            query = query_for(self.probe.query, place.version)
            url = f"{self.probe.url.rstrip('/')}/api/v1/query?query={quote(query, safe='')}"
            answer = await self.prober.get(url, self.probe.timeout)
            found = values(answer.body) if not answer.error else []
        except NoDataError as error:
            return unknown(f"{self.probe.query}: {error}")
        if answer.error:
            return unknown(f"{self.probe.url}: {answer.seen}")
        comparison = Comparison.parse(self.probe.good)
        wrong = [value for value in found if not comparison.holds(value)]
        if not wrong:
            return good(self.probe.feeds)
        return bad(self.probe.feeds, Fault.METRIC, f"{query} is {wrong[0]:g}, expected {self.probe.good}")
