"""What one board can be told; everything has a default that is safe."""

import hashlib
from dataclasses import dataclass

WATCHERS_EACH = 50
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one board."""

    title: str = "Lockgate"
    """What it shows, for the head of each page: a service, a company."""
    host: str = "127.0.0.1"
    port: int = 7171
    public_url: str = ""
    """Where people find it, `https://...`, when something stands in front of it; "" for host and port."""
    trusted_proxies: frozenset[str] = frozenset()
    """Addresses that may say in X-Forwarded-* who asks and by which scheme; nobody else is believed."""
    body_bytes: int = 64 * 1024
    """The longest body of a request."""
    seconds: float = 15.0
    """The longest time for the answer to a request, live connections apart."""
    tick: float = 0.25
    """Seconds between two frames of the live feed: what happens between them goes together."""
    ring: int = 1_000
    """Events kept in memory, for those who come back."""
    watchers: int = 6_000
    """Live connections at once; one more is told to come back later."""
    watchers_each: int = WATCHERS_EACH
    """Live connections of one person who signed in, or of one token."""
    cache_seconds: float = 1.0
    """How long an answer of the ledger is good enough for the next one who asks the same."""
    repository: str = ""
    """`owner/name` on GitHub: for links, and for starting a deployment."""
    server_url: str = "https://github.com"
    service: str = ""
    """Whose pipeline that repository has: who may see this service sees what waits there, and may start it. With ""
    only those who see all services do."""
    workflow: str = ""
    """The file in .github/workflows that a deployment is started by."""

    @property
    def name(self) -> str:
        """Which board this is, for every replica of it the same: where several use one Redis."""
        told = f"{self.public_url} {self.repository} {self.workflow}"
        return f"lockgate:{hashlib.sha256(told.encode()).hexdigest()[:12]}"

    @property
    def secure(self) -> bool:
        """Whether people reach it by TLS."""
        return self.public_url.startswith("https://")

    @property
    def origins(self) -> frozenset[str]:
        """The origins that its own pages come from; everything else is foreign."""
        if self.public_url:
            return frozenset({self.public_url.rstrip("/")})
        return frozenset(f"http://{host}" for host in self.hosts)

    @property
    def hosts(self) -> frozenset[str]:
        """What a request may name as its host; any other is a page of somebody else's, or a mistake."""
        if self.public_url:
            return frozenset({self.public_url.rstrip("/").partition("://")[2]})
        names = {f"[{name}]" if ":" in name else name for name in {*LOOPBACK, self.host}}
        return frozenset(f"{name}:{self.port}" for name in names)
