"""Look at a certificate: whether its chain is trusted, it is for this host, and it has days left."""

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from lockgate.core.outcome import Outcome, Place, bad, good, unknown
from lockgate.core.probe_config import ProbeConfig
from lockgate.core.samples import Fault

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class CertificateProbe:
    """One TLS handshake."""

    probe: ProbeConfig
    tls: ssl.SSLContext
    now: Callable[[], float] = time.time
    """Seconds since 1970."""

    async def ask(self, place: Place) -> Outcome:
        """Ask once; a place without TLS tells nothing."""
        parts = urlsplit(place.url)
        host = parts.hostname or ""
        if parts.scheme != "https":
            return unknown(f"{place.url} has no TLS")
        where = f"TLS of {host}:{parts.port or 443}"
        try:
            ends = await self._handshake(host, parts.port or 443)
        except ssl.SSLCertVerificationError as error:
            return bad(self.probe.feeds, Fault.CERTIFICATE, f"{where}: {error.verify_message}")
        except TimeoutError:
            return bad(self.probe.feeds, Fault.NO_ANSWER, f"{where}: no handshake within {self.probe.timeout:g} s")
        except OSError as error:
            told = getattr(error, "reason", None) or error.strerror or str(error) or type(error).__name__
            return bad(self.probe.feeds, Fault.NO_ANSWER, f"{where}: {told}")
        days = (ssl.cert_time_to_seconds(ends) - self.now()) / _DAY
        if days >= self.probe.days_left:
            return good(self.probe.feeds)
        detail = f"{where}: the certificate ends in {days:.1f} days ({ends}), expected {self.probe.days_left} at least"
        return bad(self.probe.feeds, Fault.CERTIFICATE, detail)

    async def _handshake(self, host: str, port: int) -> str:
        """Shake hands and give when the certificate ends."""
        async with asyncio.timeout(self.probe.timeout):
            _reader, writer = await asyncio.open_connection(host, port, ssl=self.tls, server_hostname=host, limit=1024)
        try:
            found = writer.get_extra_info("peercert")
            return str(found["notAfter"])
        finally:
            writer.transport.abort()
