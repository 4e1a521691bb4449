"""Any OpenID provider: authorization code flow with PKCE, and ID tokens verified by the provider's published keys."""

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from lockgate.adapters import tracing
from lockgate.core.board.sign_in import Flow, ForgedError, ProviderAwayError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key that only the provider has; never `none`, and never one with a shared secret."""
LEEWAY = 60
"""Seconds that the two clocks may differ by."""
LONGEST_LIFE = 86_400
_KEPT = 3600.0
"""Seconds after which what the provider publishes is read again."""
_AGAIN = 30.0
"""An unknown key makes it be read again, but nobody can make the board ask more often than this."""
_SECONDS = 8.0
_LONGEST = 512 * 1024
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "nonce")


@dataclass(slots=True)
class OpenIdProvider:
    """A `Provider`. What it publishes is kept for an hour."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    """"" for a public client: PKCE alone proves that it is the same one."""
    monotonic: Callable[[], float]
    scopes: str = "openid profile email"
    _metadata: tuple[float, Mapping[str, Any]] | None = None
    _keys: tuple[float, Mapping[str, Any]] | None = field(default=None, repr=False)

    async def address(self, flow: Flow, redirect: str) -> str:
        """Give where a browser goes to sign in."""
        where = (await self._published())["authorization_endpoint"]
        challenge = urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": redirect, "scope": self.scopes,
            "state": flow.state, "nonce": flow.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"

    async def leaving(self) -> str:
        """Give where to sign out of the provider, too."""
        where = str((await self._published()).get("end_session_endpoint") or "")
        return where if where and self._fine(where) else ""

    async def claims(self, flow: Flow, code: str, redirect: str, now: float) -> Mapping[str, Any]:
        """Exchange a code for the claims of a verified token."""
        published = await self._published()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect,
                "client_id": self.client_id, "code_verifier": flow.verifier}  # fmt: skip
        headers = {}
        if self.client_secret:
            if "client_secret_basic" in published.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
                # Each part is encoded first: RFC 6749, section 2.3.1.
                basic = f"{quote(self.client_id, safe='')}:{quote(self.client_secret, safe='')}"
                headers["Authorization"] = f"Basic {b64encode(basic.encode()).decode()}"
            else:
                form["client_secret"] = self.client_secret
        status, answer = await _ask("POST", published["token_endpoint"], form, headers)
        if status in {400, 401, 403}:
            raise ForgedError(f"the provider does not accept the code: {str(answer.get('error', status))[:100]}")
        token = answer.get("id_token")
        if status != 200 or not isinstance(token, str):  # noqa: PLR2004 - HTTP
            raise ProviderAwayError(f"{urlsplit(self.issuer).hostname} gave no token: status {status}")
        return await self._verified(token, flow.nonce, now)

    async def _verified(self, token: str, nonce: str, now: float) -> Mapping[str, Any]:
        """Give the claims of an ID token that is the provider's, for us, for this try, and for now."""
        import jwt  # noqa: PLC0415 - an extra, and slow to import

        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(str(header.get("kid") or ""), str(header.get("alg")))
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self.client_id,
                issuer=self.issuer,
                # The times are judged below, by our own clock; PyJWT would take the machine's.
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": list(_CLAIMS)},
            )
        except jwt.PyJWTError as error:
            raise ForgedError(f"the token is not good: {error}") from error
        if claims["nonce"] != nonce:
            raise ForgedError("the token is of another try to sign in")
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != self.client_id:
            raise ForgedError("the token was made for somebody else")
        times = [claims["exp"], claims["iat"], claims.get("nbf", 0)]
        if not all(isinstance(one, int | float) for one in times):
            raise ForgedError("the token has times that are none")
        if not (times[0] + LEEWAY > now and now - LONGEST_LIFE < times[1] < now + LEEWAY and times[2] < now + LEEWAY):
            raise ForgedError("the token is over, or not good yet")
        return claims

    async def _key(self, kid: str, algorithm: str) -> Any:
        """Give the provider's key of that name; one that is new is looked for once."""
        import jwt  # noqa: PLC0415

        if algorithm not in ALGORITHMS:
            raise ForgedError(f"the token is signed by {algorithm[:20]!r}, which proves nothing")
        for oldest in (_KEPT, _AGAIN):
            wanted = [one for one in await self._published_keys(oldest) if kid in {"", one.get("kid")}]
            fitting = [one for one in wanted if one.get("use", "sig") == "sig" and one.get("kty") != "oct"]
            if len(fitting) == 1 or (kid and fitting):
                try:
                    return jwt.PyJWK(fitting[0], algorithm)
                except jwt.PyJWTError as error:
                    raise ForgedError(f"the token's signature does not fit the key: {error}") from error
        raise ForgedError("the token is signed by a key that the provider does not have")

    async def _published_keys(self, oldest: float) -> list[dict[str, Any]]:
        now = self.monotonic()
        if self._keys is None or now - self._keys[0] > oldest:
            self._keys = (now, await self._read((await self._published())["jwks_uri"]))
        keys = self._keys[1].get("keys")
        return [one for one in keys if isinstance(one, dict)] if isinstance(keys, list) else []

    async def _published(self) -> Mapping[str, Any]:
        """Give the provider's metadata (OpenID Connect Discovery 1.0)."""
        now = self.monotonic()
        if self._metadata is None or now - self._metadata[0] > _KEPT:
            found = await self._read(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise ProviderAwayError(f"{self.issuer} calls itself {str(found.get('issuer'))[:200]}")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not self._fine(found.get(name)):
                    raise ProviderAwayError(f"{self.issuer} has no {name} by https")
            self._metadata = (now, found)
        return self._metadata[1]

    def _fine(self, url: Any) -> bool:
        """Whether an address is one to send a secret to: by TLS, or on this machine where the provider is, too."""
        if not isinstance(url, str):
            return False
        parts = urlsplit(url)
        here = parts.hostname in _LOOPBACK and urlsplit(self.issuer).hostname in _LOOPBACK
        return parts.scheme == "https" or (parts.scheme == "http" and here)

    async def _read(self, url: str) -> Mapping[str, Any]:
        status, answer = await _ask("GET", url)
        if status != 200:  # noqa: PLR2004 - HTTP
            raise ProviderAwayError(f"{urlsplit(url).hostname} answered {status}")
        return answer


async def _ask(
    method: str, url: str, form: Mapping[str, str] | None = None, extra: Mapping[str, str] | None = None
) -> tuple[int, Mapping[str, Any]]:
    """Ask once: no redirect, bounded in time and size; give the status and the JSON."""
    import aiohttp  # noqa: PLC0415 - only where somebody signs in

    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_SECONDS),
                headers={"Accept": "application/json", "User-Agent": "lockgate", **tracing.headers(), **(extra or {})},
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=True,
            ) as session,
            session.request(method, url, data=form, allow_redirects=False) as response,
        ):
            body = await response.content.read(_LONGEST)
            while len(body) < _LONGEST and (more := await response.content.read(_LONGEST)):
                body += more
            found = json.loads(body) if response.status < 500 else {}  # noqa: PLR2004 - HTTP
            return response.status, found if isinstance(found, dict) else {}
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ProviderAwayError(f"{urlsplit(url).hostname} does not answer: {type(error).__name__}") from error
    except (ValueError, RecursionError) as error:
        raise ProviderAwayError(f"{urlsplit(url).hostname} did not answer in JSON") from error
