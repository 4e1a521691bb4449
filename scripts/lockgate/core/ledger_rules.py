"""What the ledger's settings must make sense of together."""

import re
from collections.abc import Iterator

from lockgate.core.config_ledger import LedgerConfig, LedgerKind
from lockgate.core.config_problems import Path, Problem

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_HTTP = re.compile(r"http://(\[[0-9a-f:.]+\]|[^/:@?#\\]+)(?::[0-9]+)?(?:/|$)")
_KIND: Path = ("ledger", "kind")
_URL: Path = ("ledger", "url")


def check(ledger: LedgerConfig) -> Iterator[Problem]:
    """Yield every rule that the ledger's settings break."""
    if ledger.kind is LedgerKind.SUPABASE and not ledger.url:
        message = "is missing: expected the project's URL, because ledger.kind is supabase"
        yield Problem(_URL, message, depends=(_URL, _KIND))
    if ledger.url and ledger.kind is not LedgerKind.SUPABASE:
        message = f"expected no URL, because ledger.kind is {ledger.kind}, got {ledger.url}"
        yield Problem(_URL, message, depends=(_URL, _KIND))
    elif ledger.url and not is_private(ledger.url):
        yield Problem(
            _URL, f"expected https://, got {ledger.url}: the key would be readable on its way", depends=(_URL,)
        )


def is_private(url: str) -> bool:
    """Whether what is sent to a URL can be read by nobody on the way: TLS, or this machine."""
    found = _HTTP.match(url)
    return url.startswith("https://") or (found is not None and found[1].strip("[]") in LOOPBACK)
