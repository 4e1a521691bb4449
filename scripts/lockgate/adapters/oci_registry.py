"""Read from a registry over its HTTP API (OCI distribution specification 1.1), trusting nothing that it sends.

Every blob is held to its digest and its size while it arrives; every wait is bounded as a whole, so that a registry
that sends one byte a second ends as one that sends none. A credential goes to the registry that it is for, and to the
token service this one names; a redirect takes it nowhere.
"""

import asyncio
import base64
import hashlib
import json
import re
import ssl
import urllib.request
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from lockgate.core import oci
from lockgate.core.redaction import printable, shorten

if TYPE_CHECKING:
    import aiohttp

_CHUNK = 1 << 16
_REDIRECTS = 5
_WORDS = 200
_TEMPORARY = {408, 429, 500, 502, 503, 504}
_REDIRECTED = {301, 302, 303, 307, 308}
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_STALLED_SECONDS = 60.0
T = TypeVar("T")


class RegistryError(Exception):
    """A registry did not give what was asked for."""

    def __init__(self, text: str, *, temporary: bool = False, wait: float = 0.0) -> None:
        super().__init__(text)
        self.temporary = temporary
        """Whether asking again may help."""
        self.wait = wait
        """Seconds that the registry asks to wait."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a registry knows us by."""

    user: str
    password: str

    @property
    def header(self) -> str:
        """The value of `Authorization`."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def __repr__(self) -> str:
        return f"Credential({self.user!r}, ***)"


class Registry:
    """One repository of one registry. Use as an async context manager, on the running event loop."""

    _session: "aiohttp.ClientSession"

    def __init__(
        self, at: oci.Reference, credential: Credential | None, env: Mapping[str, str], *, ca: str | None = None
    ) -> None:
        """Open it; with `ca`, a file of authorities or "" for the system's, TLS is wanted of a local one, too."""
        self._at = at
        self._credential = credential
        self._ca = ca
        self._plain = at.plain and ca is None
        self._root = f"{'http' if self._plain else 'https'}://{at.host}"
        self._authorization = ""
        self._proxy = _proxy(self._root, env)

    async def __aenter__(self) -> Self:
        import aiohttp  # noqa: PLC0415 - a tenth of a second that only a download should pay

        self._refused = (aiohttp.ClientConnectorError,)
        self._broken = (aiohttp.ClientError, ConnectionError, TimeoutError)
        trusted = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=self._ca)) if self._ca else None
        self._session = aiohttp.ClientSession(
            connector=trusted,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_STALLED_SECONDS, sock_read=_STALLED_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "lockgate"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def manifest(self, reference: str) -> tuple[bytes, str]:
        """Give a manifest and its digest; where it is asked for by digest, it has that one. Raise RegistryError."""
        async with AsyncExitStack() as stack:
            accept = ", ".join([*oci.MANIFESTS, *oci.INDEXES])
            response = await self._get(stack, f"manifests/{reference}", {"Accept": accept})
            body = await self._bounded(response, oci.MANIFEST_BYTES)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if reference.startswith("sha256:") and digest != reference:
            raise RegistryError(f"{self._at.host} answered with {digest} where {reference} was asked for")
        return body, digest

    async def blob(self, descriptor: oci.Descriptor, into: IO[bytes]) -> None:
        """Write a blob, of exactly the size and digest it must have; raise RegistryError."""
        sha256, left = hashlib.sha256(), descriptor.size
        async with AsyncExitStack() as stack:
            response = await self._get(stack, f"blobs/{descriptor.digest}", {})
            try:
                async for chunk in response.content.iter_chunked(_CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        break
                    sha256.update(chunk)
                    into.write(chunk)
            except self._broken as error:
                raise RegistryError(f"{self._at.host} broke off: {_say(error)}", temporary=True) from error
        if left or f"sha256:{sha256.hexdigest()}" != descriptor.digest:
            raise RegistryError(f"{self._at.host} sent other bytes than those of {descriptor.digest}")

    async def _get(
        self, stack: AsyncExitStack, path: str, headers: Mapping[str, str], *, again: bool = True
    ) -> "aiohttp.ClientResponse":
        url = f"{self._root}/v2/{self._at.repository}/{path}"
        response = await self._follow(stack, url, headers)
        if response.status == 401 and again:  # noqa: PLR2004 - the HTTP status
            await self._sign_in(response.headers.get("WWW-Authenticate", ""))
            return await self._get(stack, path, headers, again=False)
        if response.status != 200:  # noqa: PLR2004
            raise await self._refusal(response)
        return response

    async def _follow(self, stack: AsyncExitStack, url: str, headers: Mapping[str, str]) -> "aiohttp.ClientResponse":
        for _ in range(_REDIRECTS + 1):
            ours = url.startswith(f"{self._root}/")
            signed = {"Authorization": self._authorization} if ours and self._authorization else {}
            try:
                asked = self._session.get(url, headers={**headers, **signed}, allow_redirects=False, proxy=self._proxy)
                response = await stack.enter_async_context(asked)
            except self._refused as error:
                raise RegistryError(f"{_host(url)} cannot be reached: {_say(error)}") from error
            except self._broken as error:
                raise RegistryError(f"{_host(url)} did not answer: {_say(error)}", temporary=True) from error
            if response.status not in _REDIRECTED:
                return response
            url = urljoin(url, response.headers.get("Location", ""))
            if not self._plain and urlsplit(url).scheme != "https":
                raise RegistryError(f"{self._at.host} redirects to {_host(url)} without TLS")
        raise RegistryError(f"{self._at.host} redirects more than {_REDIRECTS} times")

    async def _sign_in(self, challenge: str) -> None:
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "basic" and self._credential:
            self._authorization = self._credential.header
            return
        said = dict(_CHALLENGE.findall(rest))
        realm = said.get("realm", "")
        if scheme.lower() != "bearer" or (urlsplit(realm).scheme != "https" and not self._plain):
            raise RegistryError(f"{self._at.host} asks for a credential, and none for it is known")
        query = {"service": said.get("service", ""), "scope": f"repository:{self._at.repository}:pull"}
        headers = {"Authorization": self._credential.header} if self._credential else {}
        try:
            asked = self._session.get(
                f"{realm}?{urlencode(query)}", headers=headers, allow_redirects=False, proxy=self._proxy
            )
            async with asked as response:
                if response.status != 200:  # noqa: PLR2004
                    raise await self._refusal(response)
                answer = json.loads(await self._bounded(response, _CHUNK))
        except (*self._broken, ValueError, RecursionError) as error:
            raise RegistryError(f"the token service of {self._at.host} failed: {_say(error)}") from error
        token = answer.get("token") or answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token.isprintable():
            raise RegistryError(f"the token service of {self._at.host} gave no token")
        self._authorization = f"Bearer {token}"

    async def _refusal(self, response: "aiohttp.ClientResponse") -> RegistryError:
        try:
            said = (await response.content.read(_CHUNK)).decode(errors="replace")
        except self._broken:
            said = ""
        words = shorten(" ".join(printable(said).split()), _WORDS)
        asked = response.headers.get("Retry-After", "")
        return RegistryError(
            f"{_host(str(response.url))} answered {response.status}{f': {words}' if words else ''}",
            temporary=response.status in _TEMPORARY,
            wait=float(asked) if asked.isascii() and asked.isdecimal() else 0.0,
        )

    async def _bounded(self, response: "aiohttp.ClientResponse", limit: int) -> bytes:
        body = bytearray()
        try:
            async for chunk in response.content.iter_chunked(_CHUNK):
                body += chunk
                if len(body) > limit:
                    raise RegistryError(f"{self._at.host} sent more than {limit:,} bytes")
        except self._broken as error:
            raise RegistryError(f"{self._at.host} broke off: {_say(error)}", temporary=True) from error
        return bytes(body)


def within(seconds: float, what: str, work: Coroutine[Any, Any, T]) -> T:
    """Run what talks to a registry, for so long at most; raise RegistryError."""

    async def bounded() -> T:
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError as error:
            raise RegistryError(f"{what} was not there after {seconds:g} s", temporary=True) from error

    return asyncio.run(bounded())


def _proxy(url: str, env: Mapping[str, str]) -> str | None:
    proxies = {name: env[key] for name in ("http", "https", "no") for key in _names(name) if env.get(key)}
    if urllib.request.proxy_bypass_environment(urlsplit(url).netloc, proxies):  # type: ignore[attr-defined]
        return None
    return proxies.get(urlsplit(url).scheme)


def _names(scheme: str) -> tuple[str, str]:
    return f"{scheme.upper()}_PROXY", f"{scheme}_proxy"


def _host(url: str) -> str:
    return printable(urlsplit(url).netloc)


def _say(error: BaseException) -> str:
    return shorten(" ".join(printable(str(error) or type(error).__name__).split()), _WORDS)
