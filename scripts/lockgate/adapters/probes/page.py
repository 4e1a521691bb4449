"""Get a page: for the `http` probe, and for the `security-headers` probe, which looks at its headers only."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from lockgate.adapters.http import Prober
from lockgate.core.answers import outcome
from lockgate.core.outcome import Outcome, Place
from lockgate.core.probe_config import ProbeConfig


@dataclass(frozen=True, slots=True)
class PageProbe:
    """One GET; see `core.answers` for what is good."""

    probe: ProbeConfig
    prober: Prober
    budget: float
    """Seconds after which an answer is slow, where the probe does not say it."""

    async def ask(self, place: Place) -> Outcome:
        """Ask once."""
        url = _plain(place.url) if self.probe.redirect_to_https else place.url
        answer = await self.prober.get(url + self.probe.path, self.probe.timeout, place.cookie)
        return outcome(answer, self.probe, budget=self.budget, host=urlsplit(url).hostname or "")


def _plain(url: str) -> str:
    """Give the address without TLS: the same place for http, port 80 of the host for https."""
    parts = urlsplit(url)
    if parts.scheme == "http":
        return url
    host = parts.hostname or ""
    return urlunsplit(("http", f"[{host}]" if ":" in host else host, parts.path, "", ""))
